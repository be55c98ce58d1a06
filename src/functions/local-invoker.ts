/** Calls of functions from within a controller: the same table as a gateway's, without HTTP to the platform between them. */
import type { Log } from '../base/log.ts';
import type { Invoker } from '../invoke/invoker.ts';
import type { Activator } from '../invoke/projection.ts';
import { InstanceTable } from '../invoke/table.ts';
import type { EndpointOptions } from './api/endpoints.ts';
import type { ProjectionFeed } from './projection/feed.ts';

export interface LocalInvoker {
  readonly invoker: Invoker;
  /** Gives up what is under way, and closes all connections. */
  close(): void;
}

/** Connects to every instance that there is and will be, so it is for the one controller that leads. */
export function openLocalInvoker(
  feed: ProjectionFeed,
  { activate, reportFailed, endOf }: Pick<EndpointOptions, 'activate' | 'reportFailed' | 'endOf'>,
  log: Log,
): LocalInvoker {
  const activator: Activator = {
    activate: (request, _, reserved) => activate(request, reserved),
    report: (instance, reason, message) => reportFailed(instance, reason, message),
    endOf: (instance) => endOf(instance),
  };
  const table = new InstanceTable({ activator, log });
  const stop = feed.follow(table);
  return {
    invoker: table,
    close: () => {
      stop();
      table.close();
    },
  };
}
