/** The key-value store as code meets it, over whatever carries its requests. */

/** What a key holds: JSON, or bytes. */
export type StoreValue = object | string | number | boolean | null | Uint8Array;

/** A value, and the version that a write on top of it names. */
export interface Versioned<T> {
  readonly value: T;
  readonly version: number;
}

export interface StoreEntry {
  readonly key: string;
  /** Grows with each write of the key; no other value ever had it. */
  readonly version: number;
  /** Length of the value. */
  readonly bytes: number;
  readonly type: 'json' | 'bytes';
  /** When it goes, ISO 8601. */
  readonly expiresAt?: string;
}

export interface StorePage {
  readonly entries: readonly StoreEntry[];
  /** For the next page; absent: this was the last. */
  readonly nextPageToken?: string;
}

/**
 * A key-value store that all functions, runs and scripts of a namespace share. A key is a text of at most 512 bytes, a value has at most
 * 1 MiB. What is written is kept when it resolves.
 */
export interface Store {
  /** The value; undefined where there is none. JSON comes as what it was, bytes as a Uint8Array. */
  get<T = unknown>(key: string): Promise<T | undefined>;
  /** The value with its version, for a write on top of it. */
  read<T = unknown>(key: string): Promise<Versioned<T> | undefined>;
  /**
   * Answers the new version. `ttl`: it goes after so many seconds. `version`: only if the key still has this version, 0: only if it is
   * not there; else it rejects with a StoreError of code `Conflict`.
   */
  set(key: string, value: StoreValue, options?: { readonly ttl?: number; readonly version?: number }): Promise<number>;
  /** Whether it was there. `version` as in `set`. */
  delete(key: string, options?: { readonly version?: number }): Promise<boolean>;
  /** Keys that begin with the prefix, in the order of their bytes: at most `limit` (100; at most 1000). */
  list(prefix?: string, options?: { readonly limit?: number; readonly pageToken?: string }): Promise<StorePage>;
}

/** What the store refused: `Conflict`, `Forbidden`, `Invalid`, `TooLarge`, `Unavailable`, … */
export class StoreError extends Error {
  override name = 'StoreError';
  readonly code: string;
  /** How to mend it. */
  readonly hint: string | undefined;

  constructor(code: string, message: string, hint?: string) {
    super(hint === undefined ? message : `${message}: ${hint}`);
    this.code = code;
    this.hint = hint;
  }
}

/** One request to the platform API; `path` below `/v1/namespaces/NAMESPACE/store`. */
export type SendToStore = (request: {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}) => Promise<{
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array;
}>;

const json = 'application/json';

export function storeOver(send: SendToStore): Store {
  const ask = async (...request: Parameters<SendToStore>): ReturnType<SendToStore> => {
    const answer = await send(...request);
    if (answer.status >= 300) throw refusal(answer.status, answer.body);
    return answer;
  };
  const entry = (key: string, query: Readonly<Record<string, string>> = {}): string =>
    `/entry?${new URLSearchParams({ key, ...query }).toString()}`;

  const read = async (key: string): Promise<Versioned<unknown> | undefined> => {
    try {
      const { headers, body } = await ask({ method: 'GET', path: entry(key), headers: {} });
      const value = String(headers['content-type']).startsWith(json) ? parse(body) : body;
      return { value, version: Number(String(headers['etag']).replaceAll('"', '')) };
    } catch (error) {
      if (error instanceof StoreError && error.code === 'NotFound') return undefined;
      throw error;
    }
  };
  return {
    read: read as Store['read'],
    get: (async (key: string) => (await read(key))?.value) as Store['get'],
    async set(key, value, { ttl, version } = {}) {
      const isBytes = value instanceof Uint8Array;
      const text = isBytes ? '' : (JSON.stringify(value) as string | undefined);
      if (text === undefined) throw new StoreError('Invalid', `the value of "${key}" is no JSON`, 'to remove a key, use delete');
      const { body } = await ask({
        method: 'PUT',
        path: entry(key, ttl === undefined ? {} : { ttlSeconds: String(ttl) }),
        headers: { 'content-type': isBytes ? 'application/octet-stream' : json, ...conditionOf(version) },
        body: isBytes ? value : new TextEncoder().encode(text),
      });
      return (parse(body) as { version: number }).version;
    },
    async delete(key, { version } = {}) {
      const { body } = await ask({ method: 'DELETE', path: entry(key), headers: conditionOf(version) });
      return (parse(body) as { deleted: boolean }).deleted;
    },
    async list(prefix = '', { limit = 100, pageToken } = {}) {
      const query = new URLSearchParams({ prefix, limit: String(limit), ...(pageToken !== undefined && { pageToken }) });
      const { body } = await ask({ method: 'GET', path: `?${query.toString()}`, headers: {} });
      return parse(body) as StorePage;
    },
  };
}

function conditionOf(version: number | undefined): Record<string, string> {
  if (version === undefined) return {};
  return version === 0 ? { 'if-none-match': '*' } : { 'if-match': `"${version}"` };
}

const parse = (body: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(body)) as unknown;

function refusal(status: number, body: Uint8Array): StoreError {
  let error: { code?: string; message?: string; hint?: string } = {};
  try {
    error = (parse(body) as { error?: typeof error }).error ?? {};
  } catch {
    // Not from the platform itself: the status says what there is to say.
  }
  return new StoreError(error.code ?? 'Internal', error.message ?? `the store answered ${status}`, error.hint);
}
