/** tsumugi.jobs.v1.Executions, in the JSON form of its messages. */
import { TsumugiError } from '../../base/errors.ts';
import type { Run } from '../../records/runs.ts';
import type { Jobs } from '../jobs.ts';
import { executionToJson, runStatuses } from './convert/execution.ts';
import { templateOfRun } from './convert/template.ts';
import type {
  CancelExecutionRequestJson,
  DeleteExecutionRequestJson,
  ExecutionJson,
  GetExecutionRequestJson,
  ListExecutionsRequestJson,
  ListExecutionsResponseJson,
  WatchExecutionRequestJson,
} from './generated/execution.generated.ts';
import { defined } from './convert/json.ts';
import { StatusError } from './errors.ts';
import { type ExecutionName, parseExecution, parseJob, unlessAny } from './names.ts';
import { labelsOf, page, pageSize, pageStart } from './pages.ts';

/** Asks for a change of one execution: `name`, `validateOnly`, `etag`. */
type ChangeRequest = CancelExecutionRequestJson;

export class ExecutionsService {
  readonly #jobs: Jobs;

  constructor(jobs: Jobs) {
    this.#jobs = jobs;
  }

  async getExecution({ name }: GetExecutionRequestJson): Promise<ExecutionJson> {
    return show(await find(this.#jobs, parseExecution('name', name)));
  }

  async listExecutions(request: ListExecutionsRequestJson): Promise<ListExecutionsResponseJson> {
    const { namespace, job } = parseJob('parent', request.parent);
    const size = pageSize(request.pageSize);
    const found = await this.#jobs.list({
      kind: 'execution',
      limit: size + 1,
      ...defined({
        namespace: unlessAny(namespace),
        job: unlessAny(job),
        status: request.statuses?.length ? runStatuses(request.statuses) : undefined,
        since: request.since === undefined ? undefined : Date.parse(request.since),
        labels: labelsOf(request.labelSelector),
        before: pageStart(request.pageToken),
      }),
    });
    const { items, next } = page(found, size, ({ sequence }) => sequence);
    return { executions: items.map(show), ...(next !== undefined && { nextPageToken: next }) };
  }

  async deleteExecution(request: DeleteExecutionRequestJson): Promise<ExecutionJson> {
    return this.#change(request, async (run, version) => {
      await this.#jobs.delete(run, version);
      return run;
    });
  }

  cancelExecution(request: ChangeRequest): Promise<ExecutionJson> {
    return this.#change(request, (run, version) => this.#jobs.cancel(run, version));
  }

  async retryExecution(request: ChangeRequest): Promise<ExecutionJson> {
    return this.#change(request, (run, version) => this.#jobs.retry(run, version));
  }

  pauseExecution(request: ChangeRequest): Promise<ExecutionJson> {
    return this.#change(request, (run, version) => this.#jobs.pause(run, version));
  }

  resumeExecution(request: ChangeRequest): Promise<ExecutionJson> {
    return this.#change(request, (run, version) => this.#jobs.resume(run, version));
  }

  async *watchExecution({ name }: WatchExecutionRequestJson, signal: AbortSignal): AsyncGenerator<ExecutionJson> {
    const run = await find(this.#jobs, parseExecution('name', name));
    for await (const each of this.#jobs.watch(run, signal)) yield show(each);
  }

  async #change(request: ChangeRequest, change: (run: Run, version: number | undefined) => Promise<Run>): Promise<ExecutionJson> {
    const run = await find(this.#jobs, parseExecution('name', request.name));
    const version = versionOf(request.etag, run);
    if (request.validateOnly) return show(run);
    try {
      return show(await change(run, version));
    } catch (error) {
      // With the right etag it is the state of the execution that does not allow it.
      if (error instanceof TsumugiError && error.code === 'Conflict' && version === undefined)
        throw new StatusError('FailedPrecondition', error);
      throw error;
    }
  }
}

export const show = (run: Run): ExecutionJson => executionToJson(run, templateOfRun(run));

/** Throws NotFound, also where it is of another job than the name says. */
export async function find(jobs: Jobs, { namespace, job, execution }: ExecutionName): Promise<Run> {
  const run = await jobs.get({ namespace, name: execution });
  if (unlessAny(job) === undefined || run.job === job) return run;
  throw new TsumugiError('NotFound', `job "${job}" of namespace ${namespace} has no execution "${execution}"`, {
    hint: run.job ? `it is of job "${run.job}"` : 'it is of no job: write `-`',
  });
}

/** Throws Conflict where it has another etag by now. */
function versionOf(etag: string | undefined, run: Run): number | undefined {
  if (!etag) return undefined;
  if (etag === String(run.version)) return run.version;
  throw new TsumugiError('Conflict', `execution "${run.name}" has changed since it was read`, { hint: 'read it again' });
}
