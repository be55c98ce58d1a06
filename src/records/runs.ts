/**
 * The run port: everything that was asked to run to its end (executions, runners, guests), with its tasks and what happened to it.
 * The record is the truth; objects of the API are how a run is asked for or shown.
 * Drivers: `sqlite/` (with group commit), `postgres/`. Contract: `runs.contract.ts`.
 *
 * Who writes what: anybody inserts and asks (`want`); only the leader says what is so (`commit`, `delete`, `trimEvents`), with its fence.
 *
 * @example
 * const [run] = await runs.insert([{ uid, namespace: 'default', name: 'squares-x7k2p', kind: 'execution', place: 'instances', job: 'squares', spec, … }]);
 * await runs.commit([{ uid, set: { status: 'running', startedAt: now }, tasks: [{ index: 0, attempt: 0, status: 'running' }] }], fence);
 */
import { TsumugiError } from '../base/errors.ts';
import type { Fence } from './fence.ts';

export type RunKind = 'execution' | 'runner' | 'guest';
export type RunStatus = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'forceDeleted';
/** `pending`: an attempt failed, and another will follow. */
export type TaskStatus = 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled';
/** Where it runs: on leased instances of a function, or in pods of its own. */
export type RunPlace = 'instances' | 'pods';
/** What its owner wants of it; `delete`: cancelled, then forgotten. */
export type RunDesire = 'run' | 'pause' | 'cancel' | 'delete';

/** Tasks by what is so now; `retried`: attempts beyond the first, over all tasks. */
export interface TaskCounts {
  readonly running: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly retried: number;
}

export const noTasks: TaskCounts = { running: 0, succeeded: 0, failed: 0, cancelled: 0, retried: 0 };

/** What is told of a run when it is made, once and for all. */
export interface NewRun {
  /** Of the object that asks for it, else a new one: to insert it again changes nothing. */
  readonly uid: string;
  readonly namespace: string;
  /** No other run of the namespace has it. */
  readonly name: string;
  readonly kind: RunKind;
  readonly place: RunPlace;
  /** The JobDefinition or the Function that it is a run of; '' where there is none. */
  readonly job: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** What is to be done, as JSON: complete, so that it does not matter what becomes of the job. */
  readonly spec: unknown;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** When it is given up if its turn has not come; absent: never. */
  readonly queueUntil?: number;
}

/** What becomes of it. Times are milliseconds since 1970. */
export interface RunState {
  readonly status: RunStatus;
  readonly counts: TaskCounts;
  /** As it was made, or as a retry has set it anew. */
  readonly queueUntil?: number;
  /** When its turn came: from then on its driver drives it, also after a restart. */
  readonly admittedAt?: number;
  /** When the first of it ran. */
  readonly startedAt?: number;
  /** Absent exactly while it is queued or running. */
  readonly endedAt?: number;
  /** A word for conditions: why it has this status. */
  readonly reason?: string;
  /** The same for people. */
  readonly message?: string;
  /** What it gave, as JSON. */
  readonly result?: unknown;
  /** What its driver has to remember from one start of the platform to the next, as JSON. */
  readonly memo?: unknown;
}

export interface Run extends NewRun, RunState {
  readonly labels: Readonly<Record<string, string>>;
  readonly desired: RunDesire;
  /** Grows with each write to this run. */
  readonly version: number;
  /** The order in which they were inserted. */
  readonly sequence: number;
}

/** As much of a run as is needed to put it in line. */
export type RunOutline = Pick<
  Run,
  'uid' | 'namespace' | 'name' | 'kind' | 'place' | 'job' | 'status' | 'desired' | 'queueUntil' | 'admittedAt' | 'version' | 'sequence'
>;

/** One index of a run: its last attempt. */
export interface Task {
  readonly index: number;
  /** From 0. */
  readonly attempt: number;
  /** The attempt from which its retries are counted: that after the last `retry` of the run. Absent: 0. */
  readonly firstAttempt?: number;
  readonly status: TaskStatus;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly exitCode?: number;
  /** Why the last attempt that failed did. */
  readonly error?: string;
  readonly pod?: string;
  /** What it gave, as JSON. */
  readonly result?: unknown;
}

/** One run's share of a commit: all of it is written, or nothing. */
export interface RunChange {
  readonly uid: string;
  /** Refused with Conflict where the run has another version; absent: written whatever it has. */
  readonly version?: number;
  /** Fields that change; null takes one away (but is a value of `result`). */
  readonly set?: { readonly [Field in keyof RunState]?: RunState[Field] | null };
  /** Set by a retry alone: what was cancelled or failed is wanted again. */
  readonly desired?: RunDesire;
  /** Each replaces what is there of its index. */
  readonly tasks?: readonly Task[];
  /** CloudEvents, appended in this order. */
  readonly events?: readonly unknown[];
}

export interface RunQuery {
  readonly namespace?: string;
  readonly kind?: RunKind;
  readonly job?: string;
  readonly status?: readonly RunStatus[];
  /** Made at this time or later. */
  readonly since?: number;
  /** Ended before this time. */
  readonly endedBefore?: number;
  /** All of them. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly limit: number;
  /** The `sequence` of the last one of the page before: this one goes on. */
  readonly before?: number;
}

export interface TaskQuery {
  readonly status?: readonly TaskStatus[];
  readonly limit: number;
  /** Indexes greater than this. */
  readonly after?: number;
}

export interface RunEvent {
  readonly sequence: number;
  readonly namespace: string;
  /** The run's uid. */
  readonly run: string;
  readonly event: unknown;
}

export interface EventQuery {
  readonly after?: number;
  /** Appended at this time or later. */
  readonly since?: number;
  readonly namespace?: string;
  readonly limit: number;
}

export interface RunStore {
  /** Durable when it resolves; the runs as they are then. One of the same uid stays as it is; throws Conflict for a name that another has: then none is made. */
  insert(runs: readonly NewRun[]): Promise<readonly Run[]>;
  get(uids: readonly string[]): Promise<readonly (Run | undefined)[]>;
  find(namespace: string, names: readonly string[]): Promise<readonly (Run | undefined)[]>;
  /** The newest first. */
  list(query: RunQuery): Promise<readonly Run[]>;
  /** How many there are, whatever the limit. */
  count(query: Omit<RunQuery, 'limit'>): Promise<number>;
  /** All that have not ended or are to be deleted, in the order in which they were inserted. */
  open(): Promise<readonly RunOutline[]>;
  /** In the order of their indexes; those that were never begun have no record. */
  tasks(uid: string, query: TaskQuery): Promise<readonly Task[]>;
  /** What shall become of it. Throws NotFound, and Conflict where `version` is given and another. What has ended can only be deleted: else it stays as it is. */
  want(uid: string, desired: RunDesire, version?: number): Promise<Run>;
  /** All changes, or none, in one transaction. Throws NotFound for a run that is gone, Conflict for another version or an epoch that is over. */
  commit(changes: readonly RunChange[], fence?: Fence): Promise<void>;
  /** Those that are there, with their tasks; their events stay. */
  delete(uids: readonly string[], fence?: Fence): Promise<void>;
  /** Those after a sequence, oldest first. */
  events(query: EventQuery): Promise<readonly RunEvent[]>;
  /** Drops events that were appended before this time. */
  trimEvents(before: number, fence?: Fence): Promise<void>;
  close(): Promise<void>;
}

/** What every driver throws. */
export const noSuchRun = (uid: string): TsumugiError => new TsumugiError('NotFound', `there is no run ${uid} (any more)`);

export const nameTaken = ({ namespace, name }: NewRun): TsumugiError =>
  new TsumugiError('Conflict', `there is a run "${name}" already in namespace ${namespace}`, { hint: 'choose another name, or none' });

export const otherVersion = ({ name, version }: Run): TsumugiError =>
  new TsumugiError('Conflict', `run "${name}" has version ${version} by now`, { hint: 'read it again' });
