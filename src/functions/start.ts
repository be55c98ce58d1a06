/**
 * Functions on any Kubernetes API: the one entry of this part for composition roots.
 *
 * @example
 * const functions = await startFunctions({ client, blobs, logs, pki: join(data, 'pki'), addressOf, gatewayUrl, log });
 * http.createServer(functions.handler).listen(socket);
 * const leading = functions.lead({ client, signal }); // alone on its machine, or once elected
 * await functions.stop();
 */
import type { Handler } from '../api/endpoints.ts';
import type { Accounts } from './identity/accounts.ts';
import type { Account } from './identity/callers.ts';
import { lead, type LeadOptions } from './lead.ts';
import type { LocalInvoker } from './local-invoker.ts';
import type { LogEntry, LogQuery } from './logs/reader.ts';
import type { PlatformKeys } from './model/keys.ts';
import { type FunctionsOptions, startReplica } from './replica.ts';
import type { FunctionRuns } from './runs/runs.ts';

export type { FunctionsOptions } from './replica.ts';
export type { LeadOptions } from './lead.ts';

export interface Functions {
  /** The platform API under `/v1/`; who may call it is the server's business. */
  readonly handler: Handler;
  readonly keys: PlatformKeys;
  /** Whose token of the platform API it is; undefined: nobody's. */
  authenticate(token: string): Promise<Account | undefined>;
  /** Of code with permissions, whatever declares them. */
  readonly accounts: Pick<Accounts, 'ensure' | 'remove'>;
  /** For runs of functions in pods of their own. */
  readonly runs: FunctionRuns;
  /** Calls of functions from within this process, for who leads alone; connects to every instance. */
  openInvoker(): LocalInvoker;
  /** Lines of a function's log. */
  readLogs(query: LogQuery): AsyncIterable<LogEntry>;
  /** `/readyz` of gateways waits for these, each `namespace/name`. */
  waitFor(names: readonly string[]): void;
  /** Does what one of all controllers must do, until `signal` is aborted or all is stopped; resolves when that has ended. */
  lead(options: LeadOptions): Promise<void>;
  /** Ends all that this part does; pods stay as they are. */
  stop(): Promise<void>;
}

/** Starts what every controller does. Resolves when the present state is known; rejects when the API server cannot be reached. */
export async function startFunctions(options: FunctionsOptions): Promise<Functions> {
  const replica = await startReplica(options);
  const stopping = new AbortController();
  const leading = new Set<Promise<void>>();
  return {
    handler: replica.handler,
    keys: replica.keys,
    authenticate: (token) => replica.callers.authenticate(token),
    accounts: replica.accounts,
    runs: replica.runs,
    openInvoker: replica.openInvoker,
    readLogs: replica.readLogs,
    waitFor: (names) => replica.readiness.waitFor(names),
    lead({ signal, ...rest }) {
      const done = lead(replica, options, { ...rest, signal: AbortSignal.any([signal, stopping.signal]) });
      leading.add(done);
      return done;
    },
    async stop() {
      stopping.abort();
      await Promise.allSettled(leading);
      await replica.stop();
    },
  };
}
