/** Status transitions as CloudEvents: `dev.tsumugi.runner.succeeded`. */
import type { Run, RunStatus } from '../../records/runs.ts';

const idOf = { execution: 'execution', runner: 'runnerId', guest: 'runnerId' } as const;
const typeOf = { execution: 'execution', runner: 'runner', guest: 'runner' } as const;

/** The same transition of the same run has the same id, so that whoever hears of it twice can tell. */
export function statusEvent(run: Run, status: RunStatus, now: number): object {
  const { kind, namespace, name, job, version } = run;
  return {
    specversion: '1.0',
    id: `${run.uid}-${version}-${status}`,
    source: `/namespaces/${namespace}/runs/${name}`,
    type: `dev.tsumugi.${typeOf[kind]}.${status}`,
    time: new Date(now).toISOString(),
    datacontenttype: 'application/json',
    data: { [idOf[kind]]: name, status, ...(job !== '' && { [kind === 'execution' ? 'job' : 'function']: job }) },
  };
}
