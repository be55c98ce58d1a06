/** Sequences of requests that a real API server and the embedded one must answer alike. */
import { rawRequest } from '../raw.ts';
import type { Connection } from '../../../src/kube/connection.ts';

/** One request about the case's object. */
export interface Step {
  readonly do: 'create' | 'update' | 'merge' | 'json' | 'strategic' | 'apply' | 'delete' | 'get';
  readonly body?: unknown;
  /** `fieldManager`, `force`, `dryRun`, `fieldValidation` */
  readonly query?: Readonly<Record<string, string>>;
  readonly subresource?: 'status';
  readonly userAgent?: string;
  /** The body is what the object is now, changed by this. */
  readonly change?: (object: never) => unknown;
  /** The body as text. */
  readonly text?: string;
}

export interface Case {
  readonly kind: keyof typeof collections;
  readonly steps: readonly Step[];
}

export const collections = {
  ConfigMap: { apiVersion: 'v1', path: '/api/v1', plural: 'configmaps' },
  Secret: { apiVersion: 'v1', path: '/api/v1', plural: 'secrets' },
  Pod: { apiVersion: 'v1', path: '/api/v1', plural: 'pods' },
  Event: { apiVersion: 'v1', path: '/api/v1', plural: 'events' },
  ServiceAccount: { apiVersion: 'v1', path: '/api/v1', plural: 'serviceaccounts' },
  Namespace: { apiVersion: 'v1', path: '/api/v1', plural: 'namespaces' },
  Lease: { apiVersion: 'coordination.k8s.io/v1', path: '/apis/coordination.k8s.io/v1', plural: 'leases' },
  Function: { apiVersion: 'tsumugi.dev/v1', path: '/apis/tsumugi.dev/v1', plural: 'functions' },
  Route: { apiVersion: 'tsumugi.dev/v1', path: '/apis/tsumugi.dev/v1', plural: 'routes' },
} as const;

const types = {
  create: 'application/json',
  update: 'application/json',
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
  delete: 'application/json',
  get: 'application/json',
} as const;

const methods = { create: 'POST', update: 'PUT', delete: 'DELETE', get: 'GET' } as const;

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly warnings: readonly string[];
  /** Whether the object is at another version than after the step before. */
  readonly written: boolean;
}

interface Loose {
  metadata?: Record<string, unknown> & { managedFields?: Record<string, unknown>[] };
  spec?: Record<string, unknown>;
  [field: string]: unknown;
}

/** What the server says to each step; less its advice about pods, which is another matter. */
export async function play(connection: Connection, namespace: string, name: string, { kind, steps }: Case): Promise<Answer[]> {
  const { apiVersion, path, plural } = collections[kind];
  const collection = kind === 'Namespace' ? `${path}/${plural}` : `${path}/namespaces/${namespace}/${plural}`;
  const answers: Answer[] = [];
  let version: unknown;
  for (const step of steps) {
    const query = new URLSearchParams(step.query).toString();
    const where = step.do === 'create' ? collection : `${collection}/${name}${step.subresource ? `/${step.subresource}` : ''}`;
    const send = (method: string, body?: string): ReturnType<typeof rawRequest> =>
      rawRequest(
        connection,
        method,
        `${where}${query && `?${query}`}`,
        { accept: 'application/json', 'content-type': types[step.do], 'user-agent': step.userAgent ?? 'tester/1.0 (linux)' },
        body,
      );
    const identity = { apiVersion, kind };
    const given = step.body as Loose | undefined;
    let body: unknown = step.body;
    if (step.change) body = step.change((await rawRequest(connection, 'GET', `${collection}/${name}`, {})).body as never);
    else if (step.do === 'create' || step.do === 'update' || step.do === 'apply')
      body = { ...identity, ...given, metadata: { name, ...given?.metadata } };
    const method = step.do in methods ? methods[step.do as keyof typeof methods] : 'PATCH';
    const answer = await send(method, step.text?.replaceAll('NAME', name) ?? (body === undefined ? undefined : JSON.stringify(body)));
    const now = (answer.body as Loose).metadata?.['resourceVersion'];
    answers.push({
      status: answer.status,
      body: plain(answer.body as Loose, namespace),
      warnings: answer.warnings.filter((text) => !text.includes('hides previous definition')),
      written: now !== version,
    });
    if (answer.status < 300 && step.query?.['dryRun'] === undefined) version = now;
  }
  return answers;
}

/** Without what is different by nature: ids, versions, times, and what admission adds to pods. */
function plain(body: Loose, namespace: string): unknown {
  const text = JSON.stringify(body)
    .replaceAll(namespace, 'NAMESPACE')
    .replaceAll(/"uid":"[0-9a-f-]{36}"/g, '"uid":"UID"');
  const object = JSON.parse(text) as Loose;
  const { metadata, spec } = object;
  const details = object['details'] as { causes?: object[] } | undefined;
  // The real server tells conflicts in the order of a Go map, and some errors twice.
  if (details?.causes)
    details.causes = [...new Set(details.causes.map((cause) => JSON.stringify(cause)))].sort().map((cause) => JSON.parse(cause) as object);
  if (metadata) {
    if (metadata['uid']) metadata['uid'] = 'UID';
    delete metadata['resourceVersion'];
    delete metadata['creationTimestamp'];
    // That it is there counts: two servers may stand on two sides of a second.
    if (metadata['deletionTimestamp']) metadata['deletionTimestamp'] = typeof metadata['deletionTimestamp'];
    for (const entry of metadata.managedFields ?? []) entry['time'] = typeof entry['time'];
    metadata.managedFields?.sort((a, b) =>
      JSON.stringify([a['operation'], a['manager'], a['subresource']]) < JSON.stringify([b['operation'], b['manager'], b['subresource']])
        ? -1
        : 1,
    );
  }
  if (object['kind'] === 'Pod' && spec)
    for (const added of ['serviceAccountName', 'serviceAccount', 'tolerations', 'priority', 'preemptionPolicy']) delete spec[added];
  return object;
}
