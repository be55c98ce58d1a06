/** tsumugi.jobs.v1.Jobs, in the JSON form of its messages. A job is a JobDefinition of the cluster. */
import { TsumugiError } from '../../base/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { NewRun, Run } from '../../records/runs.ts';
import { noTasks } from '../../records/runs.ts';
import type { JobDefinition } from '../../resources/job-definition.ts';
import { isNotFound } from '../../resources/object.ts';
import { jobDefinitions } from '../../resources/resources.ts';
import type { ExecutionOverrides, Jobs, RunJobRequest } from '../jobs.ts';
import { variableFromJson } from './convert/container.ts';
import { jobFromJson, jobToJson } from './convert/job.ts';
import { defined, given, seconds, some } from './convert/json.ts';
import { StatusError } from './errors.ts';
import { show } from './executions-service.ts';
import type { ExecutionJson } from './generated/execution.generated.ts';
import type {
  CreateJobRequestJson,
  DeleteJobRequestJson,
  GetJobRequestJson,
  JobJson,
  ListJobsRequestJson,
  ListJobsResponseJson,
  RunJobRequest_OverridesJson,
  RunJobRequestJson,
  UpdateJobRequestJson,
} from './generated/job.generated.ts';
import { jobName, type JobName, parseJob, parseNamespace, unlessAny } from './names.ts';
import { pageSize } from './pages.ts';

const fieldManager = 'tsumugi-jobs';

export class JobsService {
  readonly #client: KubeClient;
  readonly #jobs: Jobs;

  constructor(client: KubeClient, jobs: Jobs) {
    this.#client = client;
    this.#jobs = jobs;
  }

  async createJob({ parent, job, jobId, validateOnly = false }: CreateJobRequestJson): Promise<JobJson> {
    const namespace = parseNamespace('parent', parent);
    const { job: name } = parseJob('job_id', jobName({ namespace, job: jobId ?? '' }));
    const wanted = jobFromJson({ namespace, name }, job ?? {});
    return jobToJson(await this.#client.create(jobDefinitions, wanted, { dryRun: validateOnly, fieldManager, fieldValidation: 'Strict' }));
  }

  async getJob({ name }: GetJobRequestJson): Promise<JobJson> {
    return jobToJson(await this.#get(parseJob('name', name)));
  }

  async listJobs({ parent, pageSize: size, pageToken = '', labelSelector = '' }: ListJobsRequestJson): Promise<ListJobsResponseJson> {
    const { items, metadata } = await this.#client.list<JobDefinition>(jobDefinitions, {
      limit: pageSize(size),
      ...defined({
        namespace: unlessAny(parseNamespace('parent', parent)),
        continue: given(pageToken),
        labelSelector: given(labelSelector),
      }),
    });
    return { jobs: items.map(jobToJson), ...(metadata.continue && { nextPageToken: metadata.continue }) };
  }

  async updateJob({ job = {}, validateOnly = false, allowMissing = false }: UpdateJobRequestJson): Promise<JobJson> {
    const { namespace, job: name } = parseJob('job.name', job.name);
    const known = await this.#get({ namespace, job: name }).catch((error: unknown) => {
      if (allowMissing && isNotFound(error)) return undefined;
      throw error;
    });
    if (!known) return this.createJob({ parent: `namespaces/${namespace}`, job, jobId: name, validateOnly });
    const { metadata, ...wanted } = jobFromJson({ namespace, name }, job, known);
    // Without an etag what was just read is replaced, whatever it was.
    const object = { ...wanted, metadata: { ...metadata, resourceVersion: given(job.etag) ?? known.metadata.resourceVersion } };
    const options = { dryRun: validateOnly, fieldManager, fieldValidation: 'Strict' } as const;
    return jobToJson(await this.#client.update(jobDefinitions, object as JobDefinition, options));
  }

  async deleteJob({ name, validateOnly = false, etag = '' }: DeleteJobRequestJson): Promise<JobJson> {
    const key = parseJob('name', name);
    const known = await this.#get(key);
    const { uid } = known.metadata;
    await this.#client.delete(
      jobDefinitions,
      { namespace: key.namespace, name: key.job },
      { dryRun: validateOnly, preconditions: defined({ uid, resourceVersion: given(etag) }) },
    );
    return jobToJson(known);
  }

  async runJob(request: RunJobRequestJson): Promise<ExecutionJson> {
    const { namespace, job } = parseJob('name', request.name);
    const { etag = '', validateOnly = false, executionId = '', labels, overrides = {} } = request;
    if (etag !== '' && (await this.#get({ namespace, job })).metadata.resourceVersion !== etag)
      throw new TsumugiError('Conflict', `job "${job}" has changed since it was read`, { hint: 'read it again' });
    const wanted: RunJobRequest = { namespace, job, overrides: overridesOf(overrides), ...defined({ name: given(executionId), labels }) };
    if (validateOnly) return show(asRun(await this.#jobs.planJob(wanted)));
    try {
      return show(await this.#jobs.runJob(wanted));
    } catch (error) {
      if (!(error instanceof TsumugiError) || error.code !== 'Conflict') throw error;
      const isThere = executionId !== '' && (await this.#isThere(namespace, executionId));
      throw new StatusError(isThere ? 'AlreadyExists' : 'FailedPrecondition', error);
    }
  }

  #get({ namespace, job }: JobName): Promise<JobDefinition> {
    return this.#client.get<JobDefinition>(jobDefinitions, { namespace, name: job });
  }

  #isThere(namespace: string, name: string): Promise<boolean> {
    return this.#jobs.get({ namespace, name }).then(
      () => true,
      () => false,
    );
  }
}

function overridesOf(json: RunJobRequest_OverridesJson): ExecutionOverrides {
  const { containerOverrides = [], taskCount, timeout, parallelism, callArgs, items } = json;
  const [container, ...more] = containerOverrides;
  const field = 'overrides.container_overrides';
  if (more.length > 0) throw new TsumugiError('Invalid', `${field} has ${containerOverrides.length}: a job has one container`, { field });
  const args = container?.clearArgs ? [] : (some(container?.args) ?? some(callArgs));
  const env = some(container?.env)?.map((each) => variableFromJson(each));
  return defined({
    args,
    env,
    taskCount: given(taskCount),
    parallelism: given(parallelism),
    timeoutSeconds: seconds('overrides.timeout', timeout),
    items: some(items),
  });
}

/** What would be started, as if it had been. */
const asRun = (run: NewRun): Run => ({ labels: {}, ...run, status: 'queued', counts: noTasks, desired: 'run', version: 0, sequence: 0 });
