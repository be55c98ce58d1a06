import { expect, test } from 'vitest';
import type { RunOutline } from '../../records/runs.ts';
import type { ConcurrencyPolicy } from '../model/plan.ts';
import { lineUp } from './line.ts';

let sequence = 0;
const run = (name: string, more: Partial<RunOutline> = {}): RunOutline => ({
  uid: name,
  namespace: 'a',
  name,
  kind: 'execution',
  place: 'pods',
  job: '',
  status: 'queued',
  desired: 'run',
  version: 1,
  sequence: (sequence += 1),
  ...more,
});
const active = { admittedAt: 1, status: 'running' } as const;
const ofJob = { job: 'j' } as const;

function line(open: readonly RunOutline[], limit = 2, policy: ConcurrencyPolicy = 'Allow'): Record<string, unknown> {
  const { admitted, refused, replaced } = lineUp(
    open,
    ({ namespace }) => ({ scope: namespace, limit }),
    () => policy,
  );
  return {
    admitted: admitted.map(({ name }) => name),
    refused: refused.map(({ run: { name }, because }) => `${name}<${because.name}`),
    replaced: replaced.map(({ run: { name }, by }) => `${name}<${by.name}`),
  };
}
const nothing = { admitted: [], refused: [], replaced: [] };

test('as many as there is room for, in order, each namespace by itself', () => {
  const other = { namespace: 'b' };
  expect(line([run('1', active), run('2'), run('3'), run('4', other), run('5', other), run('6', other)])).toEqual({
    ...nothing,
    admitted: ['2', '4', '5'],
  });
});

test('those that were admitted before count wherever they stand', () => {
  expect(line([run('1'), run('2', active), run('3', active)])).toEqual(nothing);
});

test('who is paused or cancelled takes no room and lets others pass', () => {
  expect(line([run('1', { desired: 'pause' }), run('2', { desired: 'cancel' }), run('3'), run('4')])).toEqual({
    ...nothing,
    admitted: ['3', '4'],
  });
});

test('without a quota all go', () => {
  const { admitted } = lineUp(
    [run('1'), run('2')],
    () => undefined,
    () => 'Allow',
  );
  expect(admitted).toHaveLength(2);
});

test('Forbid: a run of a job that has an open one is refused, but no run of another job', () => {
  expect(line([run('1', ofJob), run('2', ofJob), run('3', { job: 'k' }), run('4', ofJob)], 9, 'Forbid')).toEqual({
    ...nothing,
    admitted: ['1', '3'],
    refused: ['2<1', '4<1'],
  });
});

test('Replace: what came before is cancelled once, and the new one waits for its end', () => {
  const before = run('1', { ...ofJob, ...active });
  expect(line([before, run('2', ofJob)], 9, 'Replace')).toEqual({ ...nothing, replaced: ['1<2'] });
  expect(line([{ ...before, desired: 'cancel' }, run('2', ofJob)], 9, 'Replace')).toEqual(nothing);
  expect(line([run('2', ofJob)], 9, 'Replace')).toEqual({ ...nothing, admitted: ['2'] });
});

test('Replace: of many that come at once the last stays', () => {
  expect(line([run('1', ofJob), run('2', ofJob), run('3', ofJob)], 9, 'Replace')).toEqual({
    ...nothing,
    replaced: ['1<3', '2<3'],
  });
});
