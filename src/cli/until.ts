/** What `tsumugi wait --for` waits for: kubectl's own words. */
import { TsumugiError } from '../base/errors.ts';
import { findAll } from '../resources/cells.ts';
import { conditionOf } from '../resources/conditions.ts';
import type { Condition, KubeObject } from '../resources/object.ts';

export interface Until {
  readonly isMet: (object: KubeObject | undefined) => boolean;
  /** Why it is not met, of an object that is there. */
  readonly seen: (object: KubeObject) => string;
}

type WithStatus = KubeObject & { readonly status?: { readonly conditions?: readonly Condition[]; readonly observedGeneration?: number } };

const allowed = "allowed: condition=Ready, condition=Ready=False, jsonpath='{.status.phase}'=Running, create, delete";

/** Throws Usage at what it does not know. */
export function parseUntil(text: string): Until {
  if (text === 'delete') return { isMet: (object) => object === undefined, seen: () => 'it is still there' };
  if (text === 'create') return { isMet: (object) => object !== undefined, seen: () => '' };
  const condition = /^condition=([^=\s]+)(?:=(\w+))?$/.exec(text);
  if (condition) return untilCondition(condition[1] ?? '', condition[2] ?? 'True');
  const [, inBraces, bare, value] = /^jsonpath=(?:\{([^{}]+)\}|([^{}=]+))(?:=([^]*))?$/.exec(withoutQuotes(text)) ?? [];
  const path = inBraces ?? bare ?? '';
  if (steps.test(path)) return untilPath(path, value);
  throw new TsumugiError('Usage', `--for is "${text}"`, { hint: allowed });
}

/** Fields, indexes, and items by the value of a field. */
const steps = /^(\.[\w-]+|\[\?\(@\.[\w-]+==["'][^"']*["']\)\]|\[(\d+|\*)\]|\['[^']+'\])+$/;

/** Less the quotes around the path that no shell has taken off. */
const withoutQuotes = (text: string): string => text.replace(/^jsonpath=(['"])(\{[^]*\})\1/, 'jsonpath=$2');

/** The verdict on an earlier generation does not count. */
function untilCondition(type: string, status: string): Until {
  const read = (object: KubeObject): Condition | undefined => {
    const found = conditionOf(object as WithStatus, type);
    const generation = found?.observedGeneration ?? (object as WithStatus).status?.observedGeneration;
    return generation === undefined || generation >= (object.metadata.generation ?? 0) ? found : undefined;
  };
  return {
    isMet: (object) => object !== undefined && read(object)?.status.toLowerCase() === status.toLowerCase(),
    seen: (object) => {
      const found = read(object);
      return found
        ? `${type} is ${found.status} (${[found.reason, found.message].filter(Boolean).join(': ')})`
        : `${type} is not known yet`;
    },
  };
}

function untilPath(path: string, value: string | undefined): Until {
  const find = (object: KubeObject): unknown => findAll(object, path)[0];
  const text = (found: unknown): string => (typeof found === 'string' ? found : JSON.stringify(found));
  return {
    isMet: (object) => {
      const found = object && find(object);
      if (found === undefined || found === null) return false;
      return value === undefined || text(found) === value;
    },
    seen: (object) => {
      const found = find(object);
      return found === undefined ? `it has no ${path}` : `${path} is ${text(found)}`;
    },
  };
}
