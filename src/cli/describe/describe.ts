/** `describe`: one object on one screen. What it is, how it is, its pods, what happened to it, and what went wrong last. */
import type { KubeEvent } from '../../resources/builtin/event.ts';
import { podCells } from '../../resources/builtin/pod-cells.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import { conditionOf, isReady } from '../../resources/conditions.ts';
import type { Condition, KubeObject } from '../../resources/object.ts';
import { formatTable } from '../output.ts';
import { age, type Fact, factsOf } from './facts.ts';

export interface Described {
  readonly object: KubeObject;
  /** Of a Function. */
  readonly url?: string;
  readonly pods: readonly Pod[];
  readonly events: readonly KubeEvent[];
}

type WithStatus = KubeObject & { readonly status?: { readonly conditions?: readonly Condition[]; readonly observedGeneration?: number } };

/** So many events and pods are shown, the newest. */
const most = 10;

/** The whole text, with a line break at its end. `now`: milliseconds, for ages. */
export function describeObject({ object, url, pods, events }: Described, now: number): string {
  const { name, namespace, labels, ownerReferences, creationTimestamp, deletionTimestamp } = object.metadata;
  const conditions = (object as WithStatus).status?.conditions ?? [];
  const facts: readonly Fact[] = [
    ...factsOf(object, url),
    ['Owner', ownerReferences?.map((owner) => `${owner.kind} ${owner.name}`).join(', ')],
    [
      'Labels',
      labels &&
        Object.entries(labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(', '),
    ],
    ['Age', deletionTimestamp === undefined ? age(creationTimestamp, now) : `${age(creationTimestamp, now)}, being deleted`],
  ];
  const blocks = [
    [`${object.kind} ${name}${namespace === undefined ? '' : ` in namespace ${namespace}`}`, stateOf(object)].filter(Boolean).join(': '),
    factLines(facts),
    section('Conditions', conditionTable(conditions, now)),
    podSection(object, pods, now),
    section('Events', eventTable(events, now)),
    lastError(object, events, now),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function stateOf(object: WithStatus): string {
  if (object.metadata.deletionTimestamp !== undefined) return 'being deleted';
  const ready = conditionOf(object, 'Ready');
  const phase = (object as KubeObject & { status?: { phase?: string } }).status?.phase;
  // A part of the platform has yet to look at what has no condition.
  if (!ready) return phase ?? (object.kind === 'Function' ? 'not Ready yet' : '');
  if (phase !== undefined) return phase;
  if (isReady(object)) return 'Ready';
  return ready.status === 'False' ? `not Ready (${ready.reason})` : 'not Ready yet';
}

function factLines(facts: readonly Fact[]): string {
  const shown = facts.filter((fact): fact is readonly [string, string] => Boolean(fact[1]));
  const width = Math.max(...shown.map(([name]) => name.length)) + 3;
  return shown.map(([name, text]) => (text.includes('\n') ? `${name}\n${indent(text)}` : `${name.padEnd(width)}${text}`)).join('\n');
}

/** For a row; what went wrong last is told in full below. */
function inOneLine(text: string): string {
  const [first = ''] = text.split('\n');
  const cut = first.slice(0, 120);
  return cut === text ? text : `${cut.trimEnd()} …`;
}

const indent = (text: string): string => text.replaceAll(/^(?=.)/gm, '  ');

const section = (title: string, table: string): string => (table === '' ? '' : `${title}\n${indent(table)}`);

function conditionTable(conditions: readonly Condition[], now: number): string {
  if (conditions.length === 0) return '';
  return formatTable(
    ['TYPE', 'STATUS', 'SINCE', 'REASON', 'MESSAGE'],
    conditions.map(({ type, status, reason, message, lastTransitionTime }) => [
      type,
      status,
      age(lastTransitionTime, now),
      reason ?? '',
      inOneLine(message ?? ''),
    ]),
  );
}

function podSection(object: WithStatus, pods: readonly Pod[], now: number): string {
  if (pods.length === 0) return object.kind === 'Function' && isReady(object) ? 'Pods\n  none: one starts with the next request' : '';
  return section(pods.length > most ? `Pods (${most} newest of ${pods.length})` : 'Pods', podTable(pods, now));
}

function podTable(pods: readonly Pod[], now: number): string {
  const newest = pods.toSorted((a, b) => (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? ''));
  return formatTable(
    ['NAME', 'STATUS', 'REVISION', 'AGE', 'NODE'],
    newest.slice(0, most).map((pod) => {
      const { name, labels, creationTimestamp } = pod.metadata;
      // The third cell is what kubectl shows: why it waits or ended, where that is known.
      const status = String(podCells(pod)[2]);
      return [name, status, labels?.['tsumugi.dev/revision'] ?? '(warm)', age(creationTimestamp, now), pod.spec.nodeName ?? ''];
    }),
  );
}

const timeOf = ({ lastTimestamp, series, eventTime, metadata }: KubeEvent): string =>
  series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '';

const newestFirst = (events: readonly KubeEvent[]): readonly KubeEvent[] =>
  events.toSorted((a, b) => Date.parse(timeOf(b)) - Date.parse(timeOf(a)));

function eventTable(events: readonly KubeEvent[], now: number): string {
  if (events.length === 0) return '';
  return formatTable(
    ['LAST', 'TYPE', 'REASON', 'MESSAGE'],
    newestFirst(events)
      .slice(0, most)
      .map((event) => {
        const count = event.series?.count ?? event.count ?? 1;
        return [
          age(timeOf(event), now),
          event.type ?? '',
          event.reason ?? '',
          `${inOneLine(event.message ?? '')}${count > 1 ? ` (${count} times)` : ''}`,
        ];
      }),
  );
}

/** Why it is not Ready, else what went wrong last. In full: the tables have one line for each. */
function lastError(object: WithStatus, events: readonly KubeEvent[], now: number): string {
  const ready = conditionOf(object, 'Ready');
  const warning = newestFirst(events).find(({ type }) => type === 'Warning');
  const logs = object.kind === 'Function' ? `\n  see: tsumugi logs ${object.metadata.name} -n ${object.metadata.namespace}` : '';
  if (ready?.status === 'False') return `Last error\n${indent(`${ready.reason}: ${ready.message}`)}${logs}`;
  if (!warning) return '';
  return `Last error, ${age(timeOf(warning), now)} ago\n${indent(`${warning.reason}: ${warning.message}`)}${logs}`;
}
