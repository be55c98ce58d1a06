/** What a program is told of its request: variables as Fission's and CGI's. */
import type { Invocation } from '../node/invocation.ts';

/** Other headers of one name are joined as HTTP says; cookies have a separator of their own. */
const separatorOf = (name: string): string => (name === 'COOKIE' ? '; ' : ', ');

/**
 * `REQUEST_METHOD`, `REQUEST_URI`, `CONTENT_LENGTH`, a header `X-Name` as `HTTP_X_NAME`; and `QUERY_STRING`, `PATH_INFO`,
 * `CONTENT_TYPE`, `SERVER_PROTOCOL`, `REQUEST_ID`.
 */
export function variablesOf(invocation: Invocation): ReadonlyMap<string, string> {
  const { method, target, requestId, fields, headersAt } = invocation;
  const query = target.indexOf('?');
  const variables = new Map([
    ['REQUEST_METHOD', method],
    ['REQUEST_URI', target],
    ['PATH_INFO', decoded(query < 0 ? target : target.slice(0, query))],
    ['QUERY_STRING', query < 0 ? '' : target.slice(query + 1)],
    ['SERVER_PROTOCOL', 'HTTP/1.1'],
    ['REQUEST_ID', requestId],
  ]);
  // A body of unknown length has none.
  if (!invocation.incoming) variables.set('CONTENT_LENGTH', '0');
  for (let at = headersAt; at + 1 < fields.length; at += 2) {
    const [header, value] = [fields[at]!.toLowerCase(), text(fields[at + 1]!)];
    // An underscore would make two headers one variable. `Proxy` would be HTTP_PROXY, which programs believe.
    if (!/^[a-z0-9-]+$/.test(header) || header === 'proxy') continue;
    const name = header.toUpperCase().replaceAll('-', '_');
    if (name === 'CONTENT_LENGTH' || name === 'CONTENT_TYPE') variables.set(name, value);
    const before = variables.get(`HTTP_${name}`);
    variables.set(`HTTP_${name}`, before === undefined ? value : before + separatorOf(name) + value);
  }
  return variables;
}

/** Bytes of a head are latin1 for HTTP, and mostly UTF-8. */
const text = (value: string): string => (/[\x80-\xff]/.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value);

/** As it came where it is no UTF-8, or has what no variable can hold. */
function decoded(path: string): string {
  if (!path.includes('%')) return path;
  try {
    const plain = decodeURIComponent(path);
    return plain.includes('\0') ? path : plain;
  } catch {
    return path;
  }
}
