import { describe, expect, it } from 'vitest';

import { deepFreeze } from './frozen.ts';
import type { Structure } from '../../resources/structure.ts';
import { applyStrategicPatch } from './strategic-patch.ts';
import { base, cases } from './testing/strategic-cases.ts';

const template: Structure = {
  type: 'object',
  fields: { metadata: { type: 'ref', ref: 'meta.v1.ObjectMeta' }, spec: { type: 'ref', ref: 'core.v1.PodSpec' } },
};
const podTemplate: Structure = { type: 'object', fields: { metadata: { type: 'ref', ref: 'meta.v1.ObjectMeta' }, template } };

interface PodTemplate {
  readonly metadata: { readonly labels?: object; readonly finalizers?: readonly string[] };
  readonly template: { readonly spec: Readonly<Record<string, unknown>> };
}

/** What the cases recorded. The real server adds an empty type to a hostPath; the patch does not. */
function view(object: PodTemplate): Record<string, unknown> {
  const { nodeSelector, containers, volumes, tolerations, imagePullSecrets } = object.template.spec;
  const { labels, finalizers } = object.metadata;
  return { labels, finalizers, nodeSelector, containers, volumes, tolerations, imagePullSecrets };
}

const withoutDefaults = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replaceAll(',"type":""', ''));
/** Reading the object takes a null for what is absent. */
const withoutNulls = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_, item: unknown) => (item === null ? undefined : item)) as unknown;
const isEmpty = (value: unknown): boolean =>
  value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

describe('strategic merge patch, as the real server does it', () => {
  it.each(cases)('$name', ({ patch, changed, error }) => {
    const apply = (): unknown => applyStrategicPatch({ structure: podTemplate }, deepFreeze(structuredClone(base)), patch);
    if (error !== undefined) {
      expect(apply).toThrow(error);
      return;
    }
    const before = view(base);
    const after = view(apply() as PodTemplate);
    for (const [field, value] of Object.entries(after)) {
      const expected = changed && field in changed ? changed[field] : before[field];
      if (expected === null) expect(isEmpty(value), field).toBe(true);
      else expect(withoutNulls(value), field).toEqual(withoutDefaults(expected));
    }
  });
});
