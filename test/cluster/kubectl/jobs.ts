/** Jobs: create, get, describe, wait, and delete in all cascades. */
import { inNamespace, step, within } from './step.ts';

const job = (name: string, spec: object): string =>
  JSON.stringify({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'i:1', command: ['true'] }] } }, ...spec },
  });

/** No pod comes of it, and no status but what a step writes. */
const still = (name: string, more: object = {}): string => job(name, { managedBy: 'example.com/nobody', ...more });

const status = (value: object): string => `--subresource=status --type=merge -p '${JSON.stringify({ status: value })}'`;
const time = '2030-01-01T00:00:00Z';
const condition = (type: string): object => ({ type, status: 'True', reason: 'R', message: 'm', lastTransitionTime: time });
const ended = { startTime: time, completionTime: '2030-01-01T00:01:00Z', succeeded: 2, uncountedTerminatedPods: {} };

export const jobs = inNamespace((namespace) => {
  const here = within(namespace);
  return [
    step(`create job work-made -n ${namespace} --image=i:1 -- sleep 5`),
    here('create job work-made --image=i:1'),
    here('create job work-dry --image=i:1 --dry-run=server -o yaml'),
    here('create job work-dry --image=i:1 --dry-run=client -o yaml'),
    here("get job work-made -o jsonpath='{.spec.template.spec.containers[0].command}'"),
    here('create job Bad_Name --image=i:1'),
    here('apply -f -', still('work-applied', { completions: 4, parallelism: 2 })),
    here('apply -f -', still('work-applied', { completions: 4, parallelism: 3 })),
    here('apply -f -', still('work-applied', { completions: 5, parallelism: 3 })),
    here('apply --server-side -f -', still('work-sided')),
    here('apply --server-side -f -', still('work-sided', { paralelism: 3 })),
    here('get jobs'),
    here('get jobs -o wide'),
    here('get job work-applied -o yaml'),
    here('get jobs.batch -o name'),
    here('get jobs --field-selector status.successful=0 -o name'),
    here('get jobs --field-selector status.phase=0'),
    here('get all -l none=such'),
    here('explain job.spec.nothing'),
    here('describe job work-applied --show-events=false'),
    here(`patch job work-applied ${status({ startTime: time, active: 1, ready: 1, succeeded: 1 })}`),
    here('get job work-applied'),
    here('describe job work-applied --show-events=false'),
    here(`patch job work-applied ${status({ conditions: [condition('Complete')] })}`),
    here(
      `patch job work-applied ${status({ ...ended, active: 0, ready: 0, conditions: [condition('SuccessCriteriaMet'), condition('Complete')] })}`,
    ),
    here('get job work-applied'),
    here('wait --for=condition=complete job/work-applied --timeout=5s'),
    here('wait --for=condition=failed job/work-applied --timeout=1s'),
    here('describe job work-applied --show-events=false'),
    here('create -f -', still('work-indexed', { completionMode: 'Indexed', completions: 3, backoffLimitPerIndex: 1, suspend: true })),
    here('describe job work-indexed --show-events=false'),
    here('get jobs work-indexed'),
    here('patch job work-indexed --type=merge -p \'{"spec":{"suspend":false}}\''),
    here('create -f -', job('work-none', { completions: 0 })),
    here('wait --for=condition=complete job/work-none --timeout=30s'),
    here('get job work-none'),
    here('create -f -', job('work-failing', { backoffLimit: 0 })),
    here("wait --for=jsonpath='{.status.active}'=1 job/work-failing --timeout=30s"),
    here('get pods -l job-name=work-failing -o name'),
    here('delete pods -l job-name=work-failing --grace-period=0'),
    here('wait --for=condition=failed job/work-failing --timeout=30s'),
    here('get job work-failing'),
    here("wait --for=jsonpath='{.status.active}'=1 job/work-made --timeout=30s"),
    here('delete job work-made --cascade=orphan'),
    here('get pods -l job-name=work-made -o name'),
    here("get pods -l job-name=work-made -o jsonpath='{.items[*].metadata.ownerReferences}{.items[*].metadata.finalizers}'"),
    here('create -f -', job('work-background', {})),
    here("wait --for=jsonpath='{.status.active}'=1 job/work-background --timeout=30s"),
    here('delete job work-background --cascade=background'),
    here('wait --for=delete pods -l job-name=work-background --timeout=30s'),
    here('get pods -l job-name=work-background'),
    here('create -f -', job('work-foreground', {})),
    here("wait --for=jsonpath='{.status.active}'=1 job/work-foreground --timeout=30s"),
    here('delete job work-foreground --cascade=foreground'),
    here('get pods -l job-name=work-foreground'),
    here('delete job work-none work-absent'),
    here('delete jobs --all'),
    here('get jobs'),
  ];
});
