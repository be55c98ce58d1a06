import type https from 'node:https';

/** What both of Node's HTTP modules have; the options are those of HTTPS, of which HTTP ignores what it does not know. */
type NodeHttp = Pick<typeof https, 'request' | 'Agent'>;

/**
 * Node's HTTP, loaded by the first request. A function that uses the platform in one request of many would pay for it at each cold
 * start, ten milliseconds: a bundle's imports of built-in modules all stand at its top.
 */
export function nodeHttp(secure: boolean): NodeHttp {
  return secure ? process.getBuiltinModule('node:https') : (process.getBuiltinModule('node:http') as unknown as NodeHttp);
}
