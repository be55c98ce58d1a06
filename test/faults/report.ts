/** The table of `docs/reliability.md`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import type { Outcome } from './load.ts';
import type { Broken, Scenario } from './scenarios.ts';
import type { Verdict } from './verdict.ts';
import type { Made } from './watch-pods.ts';

export interface Result {
  readonly scenario: Scenario;
  readonly broken: Broken;
  readonly verdict: Verdict;
  readonly made: Made;
}

const columns = [
  'what happens',
  'warm: sent',
  'failed',
  'added p50 / p99 / most',
  'cold: sent',
  'failed',
  'p50 / longest',
  'why they failed',
  'beside',
];

export const tableHead = `| ${columns.join(' | ')} |\n|${'---|'.repeat(columns.length)}`;

export function tableLine({ scenario, broken, verdict, made }: Result): string {
  const of = (kind: Outcome['kind']): readonly Outcome[] => verdict.outcomes.filter((outcome) => outcome.kind === kind);
  const failed = (outcomes: readonly Outcome[]): number => outcomes.filter(({ failure }) => failure !== undefined).length;
  const [warm, cold] = [of('warm'), of('cold')];
  const cells = [
    scenario.name,
    warm.length,
    failed(warm),
    times(warm, 0.5, 0.99, 1),
    cold.length,
    failed(cold),
    times(cold, 0.5, 1),
    reasons(verdict),
    [...(broken.seen === undefined ? [] : [broken.seen]), pods(made)].join('; '),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** Machine and versions that the figures are of. `busy`: its load average before all began. */
export function conditions(kubernetes: string, load: string, busy: number): string {
  const memory = Math.round(totalmem() / 2 ** 30);
  const date = new Date().toISOString().slice(0, 10);
  return `${date}: ${cpus().length} cores (${cpus()[0]?.model.trim()}), ${memory} GiB, Linux ${release()}, Kubernetes ${kubernetes} of one node, Node ${process.versions.node}; cluster, database and load on this one machine, which others used, too: its load average before was ${busy.toFixed(1)}. ${load}`;
}

/** Puts it between the two marks of the file. */
export function writeBetweenMarks(file: string, text: string): void {
  const [start, end] = ['<!-- measured -->', '<!-- /measured -->'];
  const old = readFileSync(file, 'utf8');
  const [from, to] = [old.indexOf(start), old.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${file} has no ${start} … ${end}`);
  writeFileSync(file, `${old.slice(0, from + start.length)}\n\n${text}\n\n${old.slice(to)}`);
}

function times(outcomes: readonly Outcome[], ...shares: number[]): string {
  const ms = outcomes
    .filter(({ failure }) => failure === undefined)
    .map(({ addedMs }) => addedMs)
    .toSorted((a, b) => a - b);
  return `${shares.map((share) => Math.round(ms[Math.min(ms.length - 1, Math.floor(share * ms.length))] ?? Number.NaN)).join(' / ')} ms`;
}

function pods({ pods: made, instances, idle, dismissed }: Made): string {
  const beside = [...(idle > 0 ? [`${idle} answered nothing`] : []), ...(dismissed > 0 ? [`${dismissed} dismissed unused`] : [])];
  return [`${made} pods made, ${instances} instances for cold calls`, ...beside].join(', ');
}

function reasons({ failed, ranTwice }: Verdict): string {
  const count = new Map<string, number>();
  const add = (why: string): void => void count.set(why, (count.get(why) ?? 0) + 1);
  for (const { outcome, because } of failed) add(because ?? `**avoidable**: ${outcome.kind} ${outcome.failure}`);
  for (const _ of ranTwice) add('**run twice**');
  return [...count].map(([why, times]) => `${times} ${why}`).join('; ') || '';
}
