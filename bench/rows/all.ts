import type { Row } from '../lib/row.ts';
import { api } from './api.ts';
import { body } from './body.ts';
import { burst, cold, sustained } from './cold.ts';
import { control } from './control.ts';
import { programTasks, queued, runners, tasks } from './jobs.ts';
import { latency } from './latency.ts';
import { many } from './many.ts';
import { overload } from './overload.ts';
import { program } from './program.ts';
import { storage } from './storage.ts';
import { warm } from './warm.ts';

/** In the order of issue 3, then those of issues 5 and 6. */
export const rows: readonly Row[] = [
  warm,
  latency,
  cold,
  burst,
  sustained,
  control,
  many,
  body,
  overload,
  program,
  api,
  storage,
  tasks,
  programTasks,
  runners,
  queued,
];
