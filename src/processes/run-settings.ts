/** What both platforms, on one machine and on Kubernetes, can be told of runs. */
import { runDefaults, type RunSettings } from '../jobs/settings.ts';
import type { SettingInfo, SettingReader } from './setting-table.ts';

type Name = 'historyDays' | 'maxRunners' | 'runStartTimeout' | 'runLogLines';

export const runTable: readonly (SettingInfo<Name> & { readonly flag: string })[] = [
  {
    name: 'historyDays',
    flag: '--history-days <number>',
    variable: 'TSUMUGI_HISTORY_DAYS',
    fallback: String(runDefaults.historyDays),
    says: 'how long ended executions and runners, their logs and their events are kept',
  },
  {
    name: 'maxRunners',
    flag: '--max-runners <number>',
    variable: 'TSUMUGI_MAX_RUNNERS',
    fallback: String(runDefaults.maxRunners),
    says: 'runners and guests of a namespace at once, where its annotation does not say otherwise',
  },
  {
    name: 'runStartTimeout',
    flag: '--run-start-timeout <seconds>',
    variable: 'TSUMUGI_RUN_START_TIMEOUT',
    fallback: String(runDefaults.startTimeoutSeconds),
    says: 'a runner whose pod has not started by then is forceDeleted',
  },
  {
    name: 'runLogLines',
    flag: '--run-log-lines <number>',
    variable: 'TSUMUGI_RUN_LOG_LINES',
    fallback: String(runDefaults.logLines),
    says: 'lines kept of each container of a run',
  },
];

export const readRunSettings = ({ number }: Pick<SettingReader<Name>, 'number'>): RunSettings => ({
  historyDays: number('historyDays', 1, 36_500),
  maxRunners: number('maxRunners', 0, 100_000),
  startTimeoutSeconds: number('runStartTimeout', 1, 604_800),
  logLines: number('runLogLines', 1, 1_000_000),
});
