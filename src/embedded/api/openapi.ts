/**
 * `/openapi/v3`: an index, and one document for each group and version: schemas with their kinds, and paths with the parameters by
 * which kubectl learns what the server can do (`dryRun`, `fieldValidation`). Made from the kinds' structures when first asked for.
 */
import type { KindDefinition } from '../../resources/kind.ts';
import { apiVersionOf } from '../../resources/kinds.ts';
import { documentOf } from './openapi-document.ts';
import { cached, changing, sha256 } from './answers.ts';
import type { Reply } from './answers.ts';

export interface OpenApiRequest {
  readonly path: string;
  readonly ifNoneMatch?: string;
  /** Value of the query's `hash`: a document asked for by its hash never changes. */
  readonly hash?: string;
  readonly accept?: string;
}

interface Published {
  readonly text: string;
  readonly hash: string;
}

const published = new WeakMap<readonly KindDefinition[], ReadonlyMap<string, Published>>();

/** The answer to a path below `/openapi`; undefined when nothing is there. */
export function openApiReply(
  kinds: readonly KindDefinition[],
  { path, ifNoneMatch, hash, accept = '' }: OpenApiRequest,
): Reply | undefined {
  // kubectl 1.27 and 1.28 fail without v2, but are content with an empty document.
  if (path === '/openapi/v2')
    return { status: 200, headers: { 'content-type': 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf' }, body: '' };
  const root = '/openapi/v3';
  if (path !== root && !path.startsWith(`${root}/`)) return undefined;
  let documents = published.get(kinds);
  if (!documents) published.set(kinds, (documents = publish(kinds)));
  if (path === root) {
    const paths = Object.fromEntries(
      [...documents].map(([name, document]) => [name, { serverRelativeURL: `${root}/${name}?hash=${document.hash}` }]),
    );
    return cached({ 'content-type': 'application/json', vary: 'Accept' }, JSON.stringify({ paths }), ifNoneMatch);
  }
  const name = path.slice(root.length + 1);
  const document = documents.get(name);
  if (!document) return { status: 404, headers: changing, body: '' };
  if (!acceptsJson(accept)) return { status: 406, headers: { ...changing, vary: 'Accept' }, body: '' };
  const headers = { vary: 'Accept', 'content-type': 'application/json' };
  const etag = `"${document.hash}"`;
  if (hash && hash !== document.hash)
    return { status: 301, headers: { ...headers, ...changing, etag, location: `${root}/${name}?hash=${document.hash}` }, body: '' };
  // Who has the hash never asks again.
  const fixed = { 'cache-control': 'public, immutable', expires: new Date(Date.now() + yearMs).toUTCString() };
  return cached({ ...headers, ...(hash && fixed) }, document.text, ifNoneMatch, etag);
}

const yearMs = 31_536_000_000;

/** JSON is all there is: clients that would rather have protobuf accept it, too. */
const acceptsJson = (accept: string): boolean => accept === '' || /application\/json|\*\/\*/.test(accept);

function publish(kinds: readonly KindDefinition[]): ReadonlyMap<string, Published> {
  return new Map(
    [...Map.groupBy(kinds, apiVersionOf)].map(([apiVersion, served]) => {
      const text = JSON.stringify(documentOf(served));
      return [`${served[0]?.group === '' ? 'api' : 'apis'}/${apiVersion}`, { text, hash: sha256(text) }];
    }),
  );
}
