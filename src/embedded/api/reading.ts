/** get and list. */
import type { ListOptions } from '../../kube/client.ts';
import { HistoryGone } from '../storage/store.ts';
import type { StoredRow } from '../storage/store.ts';
import { continueExpired, decodeContinue, encodeContinue } from './continue.ts';
import { keyOf } from './core.ts';
import type { Call, Core } from './core.ts';
import { selectionOf } from './selection.ts';
import { badRequest, expired, invalidOption, notFound, tooLargeVersion } from './status.ts';

export interface ListCall extends ListOptions {
  readonly resourceVersionMatch?: string;
}

export interface Page {
  readonly rows: readonly StoredRow[];
  readonly revision: number;
  readonly continue?: string;
  readonly remaining?: number;
}

export async function get(core: Core, call: Call): Promise<StoredRow> {
  const [row] = await core.store.get([keyOf(call)]);
  if (!row) throw notFound(call.kind, call.name);
  return row;
}

export async function list(core: Core, call: Call, options: ListCall): Promise<Page> {
  const { select, only } = selectionOf(call, options);
  const from = options.continue ? decodeContinue(options.continue) : undefined;
  if (from && options.resourceVersion && options.resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  if (from && from.at > core.store.revision()) throw continueExpired();
  const at = from?.at ?? exactVersion(core, options);
  const limit = options.limit && options.limit > 0 ? options.limit : undefined;
  const { resource } = keyOf(call);
  if (only !== undefined && at === undefined) {
    const revision = core.store.revision();
    const [row] = await core.store.get([keyOf(call, only)]);
    return { rows: row && (!select || select(row.index, row)) ? [row] : [], revision };
  }
  try {
    const found = await core.store.list({
      resource,
      ...(call.namespace && { namespace: call.namespace }),
      ...(from && { after: from.after }),
      ...(limit && { limit }),
      ...(at !== undefined && { at }),
      ...(select && { select }),
    });
    const last = found.rows.at(-1);
    if (!found.remaining || !last) return { rows: found.rows, revision: found.revision };
    return {
      rows: found.rows,
      revision: found.revision,
      continue: encodeContinue({ at: found.revision, after: { namespace: last.namespace, name: last.name } }),
      // Counted without the selectors, so said only where there are none.
      ...(!select && { remaining: found.remaining }),
    };
  } catch (error) {
    if (!(error instanceof HistoryGone)) throw error;
    throw from ? continueExpired() : expired();
  }
}

/** The version a list must be of; undefined: the present, which is never older than what is asked. */
function exactVersion(core: Core, options: ListCall): number | undefined {
  const { resourceVersion: asked, resourceVersionMatch: match } = options;
  const wrong = (reason: string, message: string): never => {
    throw invalidOption('ListOptions', { field: 'resourceVersionMatch', reason, message });
  };
  if (match && match !== 'Exact' && match !== 'NotOlderThan')
    wrong('FieldValueNotSupported', `Unsupported value: "${match}": supported values: "Exact", "NotOlderThan", ""`);
  if (!asked) {
    if (match) wrong('FieldValueForbidden', 'Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided');
    return undefined;
  }
  const version = readVersion(asked, 'invalid resource version: ');
  if (version === 0) {
    if (match === 'Exact') wrong('FieldValueForbidden', 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
    return undefined;
  }
  if (version > core.store.revision()) throw tooLargeVersion(asked, core.store.revision());
  return match === 'Exact' || (!match && options.limit) ? version : undefined;
}

/** The number behind a client's resourceVersion. */
export function readVersion(text: string, before = ''): number {
  if (!/^\d{1,15}$/.test(text))
    throw badRequest(
      `${before}resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  return Number(text);
}
