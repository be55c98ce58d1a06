/** get and list. */
import type { ListOptions } from '../../kube/client.ts';
import type { FieldError } from '../../resources/kind.ts';
import { HistoryGone } from '../storage/store.ts';
import type { StoredRow, StoreKey, Texts } from '../storage/store.ts';
import { continueExpired, decodeContinue, encodeContinue } from './continue.ts';
import { keyOf } from './core.ts';
import type { Call, Core } from './core.ts';
import { selectionOf } from './selection.ts';
import type { Selection } from './selection.ts';
import { badRequest, expired, invalidOptions, malformed, notFound, tooLargeVersion } from './status.ts';

export interface ListCall extends ListOptions {
  /** Of watches alone; here it is refused. */
  readonly sendInitialEvents?: boolean;
  readonly resourceVersionMatch?: string;
}

export interface Page {
  readonly rows: readonly StoredRow[];
  readonly revision: number;
  readonly continue?: string;
  readonly remaining?: number;
}

/** `resourceVersion`: the object as it was then or later. */
export async function get(core: Core, call: Call, resourceVersion?: string): Promise<StoredRow> {
  if (resourceVersion) {
    const version = readVersion(resourceVersion, '', malformed);
    if (version > core.store.revision()) throw tooLargeVersion(resourceVersion, core.store.revision());
  }
  const [row] = await core.store.get([keyOf(call)]);
  if (!row) throw notFound(call.kind, call.name);
  return row;
}

/** What a list asks of the store. */
interface Asked extends Selection {
  readonly query: {
    readonly resource: string;
    readonly namespace?: string;
    readonly after?: Omit<StoreKey, 'resource'>;
    readonly at?: number;
  };
  readonly limit: number | undefined;
  /** Why there is no such state any more. */
  readonly gone: () => Error;
}

function asked(core: Core, call: Call, options: ListCall): Asked {
  checkListOptions(options);
  const from = options.continue ? decodeContinue(options.continue, call.namespace) : undefined;
  if (from && options.resourceVersion && options.resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  if (from?.at !== undefined && from.at > core.store.revision()) throw continueExpired(from, call.namespace);
  const at = from ? from.at : exactVersion(core, options);
  // Whatever is there already, of any age: the real server has all of it in its cache and gives it in one page.
  const isWhole = options.resourceVersion === '0';
  const limit = !isWhole && options.limit && options.limit > 0 ? options.limit : undefined;
  const query = {
    resource: keyOf(call).resource,
    ...(call.namespace && { namespace: call.namespace }),
    ...(from && { after: from.after }),
    ...(at !== undefined && { at }),
  };
  const gone = (): Error => (from ? continueExpired(from, call.namespace) : expired());
  return { ...selectionOf(call, options), query, limit, gone };
}

/**
 * The whole list as text, for who wants its objects as they are stored; undefined where the list must be made of rows. `cut`: bytes
 * that each item does not repeat; `between` stands between two.
 */
export async function texts(core: Core, call: Call, options: ListCall, cut: number, between: string): Promise<Texts | undefined> {
  const { select, only, query, limit, gone } = asked(core, call, options);
  if (select || only !== undefined || limit !== undefined) return undefined;
  return core.store.texts({ ...query, cut, between }).catch((error: unknown) => {
    throw error instanceof HistoryGone ? gone() : error;
  });
}

export async function list(core: Core, call: Call, options: ListCall): Promise<Page> {
  const { select, only, query, limit, gone } = asked(core, call, options);
  if (only !== undefined && query.at === undefined) {
    const revision = core.store.revision();
    const [row] = await core.store.get([keyOf(call, only)]);
    return { rows: row && (!select || select(row.index, row)) ? [row] : [], revision };
  }
  try {
    const found = await core.store.list({ ...query, ...(limit && { limit }), ...(select && { select }) });
    const last = found.rows.at(-1);
    if (!found.remaining || !last) return { rows: found.rows, revision: found.revision };
    return {
      rows: found.rows,
      revision: found.revision,
      continue: encodeContinue({ at: found.revision, after: { namespace: last.namespace, name: last.name } }, call.namespace),
      // Counted without the selectors, so said only where there are none.
      ...(!select && { remaining: found.remaining }),
    };
  } catch (error) {
    throw error instanceof HistoryGone ? gone() : error;
  }
}

const forbids = (field: string, message: string): FieldError => ({
  field,
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${message}`,
});

function checkListOptions({ resourceVersion, resourceVersionMatch: match, continue: token, sendInitialEvents }: ListCall): void {
  const errors: FieldError[] = [];
  const field = 'resourceVersionMatch';
  if (match) {
    if (!resourceVersion) errors.push(forbids(field, 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
    if (token) errors.push(forbids(field, 'resourceVersionMatch is forbidden when continue is provided'));
    if (match !== 'Exact' && match !== 'NotOlderThan')
      errors.push({
        field,
        reason: 'FieldValueNotSupported',
        message: `Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan", ""`,
      });
    if (match === 'Exact' && resourceVersion === '0')
      errors.push(forbids(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  }
  if (sendInitialEvents !== undefined) errors.push(forbids('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  if (errors.length > 0) throw invalidOptions('ListOptions', errors);
}

/** The version a list must be of; undefined: the present, which is never older than what is asked. */
function exactVersion(core: Core, { resourceVersion: asked, resourceVersionMatch: match, limit }: ListCall): number | undefined {
  if (!asked) return undefined;
  const version = readVersion(asked, 'invalid resource version: ');
  if (version === 0) return undefined;
  if (version > core.store.revision()) throw tooLargeVersion(asked, core.store.revision());
  return match === 'Exact' || (!match && limit) ? version : undefined;
}

/** The number behind a client's resourceVersion. */
export function readVersion(text: string, before = '', refuse: (message: string) => Error = badRequest): number {
  const says = (why: string): Error =>
    refuse(`${before}resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: ${why}`);
  if (!/^\d+$/.test(text)) throw says('invalid syntax');
  if (BigInt(text) >= 2n ** 64n) throw says('value out of range');
  return Number(text);
}
