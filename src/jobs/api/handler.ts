/**
 * The jobs API, `tsumugi.jobs.v1`, beside the rest of the platform API.
 *
 * @example
 * servePlatformApi({ handler: withJobsApi({ client, jobs, log, stopped }, functions.handler), … });
 */
import type { RequestListener } from 'node:http';
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Jobs } from '../jobs.ts';

export interface JobsApiOptions {
  /** Where JobDefinitions are. */
  readonly client: KubeClient;
  readonly jobs: Jobs;
  readonly log: Log;
  /** Aborted when the platform stops: ends streams. */
  readonly stopped: AbortSignal;
}

const ours = '/tsumugi.jobs.v1.';

/** Answers what is of the jobs API, and gives the rest to `other`. */
export function withJobsApi(options: JobsApiOptions, other: RequestListener): RequestListener {
  let router: Promise<RequestListener> | undefined;
  return (request, response) => {
    if (!request.url?.startsWith(ours)) return other(request, response);
    router ??= import('./router.ts').then(({ createRouter }) => createRouter(options));
    router.then(
      (handle) => handle(request, response),
      (error: unknown) => {
        options.log.error({ error: String(error) }, 'the jobs API could not be loaded');
        response.writeHead(500).end();
      },
    );
  };
}
