/** `job create` and `job update`: a JobDefinition is an object of the Kubernetes API. */
import type { JobDefinition } from '../../resources/job-definition.ts';
import { jobDefinitions } from '../../resources/resources.ts';
import { createObject } from '../create.ts';
import { connect } from '../platform.ts';
import { parseLabels } from '../values.ts';
import { type DefinitionFlags, definition } from './definition.ts';

export async function createJob(name: string, words: readonly string[], flags: DefinitionFlags & { labels?: string[] }): Promise<void> {
  await createObject(flags, jobDefinitions, name, await definition(flags, words), parseLabels('--labels', flags.labels));
}

export async function updateJob(name: string, words: readonly string[], flags: DefinitionFlags): Promise<void> {
  const platform = await connect(flags);
  const key = { namespace: platform.namespace, name };
  const present = await platform.kube.get<JobDefinition>(jobDefinitions, key);
  const spec = await definition(flags, words, present.spec);
  await platform.kube.update(jobDefinitions, { ...present, spec } as JobDefinition, {
    fieldManager: 'tsumugi',
    fieldValidation: 'Strict',
  });
  process.stdout.write(`jobdefinition.tsumugi.dev/${name} updated\n`);
}
