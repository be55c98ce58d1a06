import { basics } from './basics.ts';
import { edit, labels, patch } from './changing.ts';
import { remove, wait } from './ending.ts';
import { jobs } from './jobs.ts';
import { events, get, server } from './reading.ts';
import { quota } from './quota.ts';
import { claims, classes } from './storage.ts';
import type { Chapter } from './step.ts';
import { apply, create, replace } from './writing.ts';

export const chapters: Readonly<Record<string, Chapter>> = {
  basics,
  create,
  apply,
  replace,
  get,
  server,
  events,
  edit,
  patch,
  labels,
  wait,
  jobs,
  delete: remove,
  claims,
  classes,
  quota,
};
