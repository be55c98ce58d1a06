/** tsumugi.jobs.v1.Tasks, in the JSON form of its messages. */
import { TsumugiError } from '../../base/errors.ts';
import type { Run } from '../../records/runs.ts';
import type { Jobs, TaskView } from '../jobs.ts';
import { taskStatuses, taskToJson } from './convert/execution.ts';
import { templateOfRun } from './convert/template.ts';
import { find } from './executions-service.ts';
import type {
  GetTaskLogsRequestJson,
  GetTaskRequestJson,
  ListTasksRequestJson,
  ListTasksResponseJson,
  TaskJson,
  TaskLogLineJson,
} from './generated/task.generated.ts';
import { defined } from './convert/json.ts';
import { type ExecutionName, parseExecution, parseTask } from './names.ts';
import { page, pageSize, pageStart } from './pages.ts';

export class TasksService {
  readonly #jobs: Jobs;

  constructor(jobs: Jobs) {
    this.#jobs = jobs;
  }

  async getTask({ name }: GetTaskRequestJson): Promise<TaskJson> {
    const { index, ...execution } = parseTask('name', name);
    const run = await find(this.#jobs, execution);
    const [task] = await this.#jobs.tasks(run, { limit: 1, ...(index > 0 && { after: index - 1 }) });
    if (task?.index === index) return taskToJson(run, task, templateOfRun(run));
    throw new TsumugiError('NotFound', `execution "${run.name}" has no task ${index}`);
  }

  async listTasks(request: ListTasksRequestJson): Promise<ListTasksResponseJson> {
    const run = await find(this.#jobs, parseExecution('parent', request.parent));
    const size = pageSize(request.pageSize);
    const wanted = request.statuses?.length ? new Set(taskStatuses(request.statuses)) : undefined;
    const found: TaskView[] = [];
    for (let after = pageStart(request.pageToken); found.length <= size;) {
      const limit = wanted ? 1000 : size + 1;
      const some = await this.#jobs.tasks(run, { limit, ...(after !== undefined && { after }) });
      found.push(...some.filter(({ status }) => !wanted || wanted.has(status)));
      if (some.length < limit) break;
      after = some.at(-1)?.index;
    }
    const { items, next } = page(found, size, ({ index }) => index);
    const shown = templateOfRun(run);
    return { tasks: items.map((task) => taskToJson(run, task, shown)), ...(next !== undefined && { nextPageToken: next }) };
  }

  async *getTaskLogs(request: GetTaskLogsRequestJson, signal: AbortSignal): AsyncGenerator<TaskLogLineJson> {
    const { run, task } = await this.#logged(request.name);
    const { follow = false, tail = 0 } = request;
    if (tail < 0) throw new TsumugiError('Invalid', `tail is ${tail}: it must not be negative`, { field: 'tail' });
    const query = { follow, signal, ...(tail > 0 && { tail }), ...(task !== undefined && { task }) };
    for await (const { time, source, text, task: index, attempt } of this.#jobs.logs(run, query))
      yield defined({ index, attempt, time, text, source });
  }

  async #logged(name = ''): Promise<{ readonly run: Run; readonly task?: number }> {
    const ofTask = name.split('/').length > 6;
    const { index, ...execution }: ExecutionName & { index?: number } = ofTask ? parseTask('name', name) : parseExecution('name', name);
    const run = await find(this.#jobs, execution);
    return { run, ...(index !== undefined && { task: index }) };
  }
}
