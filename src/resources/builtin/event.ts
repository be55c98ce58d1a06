import { computed, moment, nameColumn } from '../cells.ts';
import { invalid, required } from '../field-errors.ts';
import type { FieldError } from '../kind.ts';
import { qualifiedName } from '../names.ts';
import type { KubeObject } from '../object.ts';
import { events } from '../resources.ts';
import { defineBuiltin } from './define.ts';

export interface ObjectReference {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly fieldPath?: string;
}

export interface KubeEvent extends KubeObject {
  readonly involvedObject: ObjectReference;
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly action?: string;
  readonly source?: { readonly component?: string; readonly host?: string };
  readonly firstTimestamp?: string;
  readonly lastTimestamp?: string;
  readonly eventTime?: string;
  readonly count?: number;
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string };
  readonly reportingComponent?: string;
  readonly reportingInstance?: string;
}

function sourceText({ source, reportingComponent, reportingInstance }: KubeEvent): string {
  const component = source?.component || reportingComponent || '';
  const host = source?.host || reportingInstance || '';
  return host === '' ? component : `${component}, ${host}`;
}

/** New-style events (with eventTime) must say who reports what. */
function newStyleErrors(event: KubeEvent): FieldError[] {
  const errors: FieldError[] = [];
  const reporter = event.reportingComponent ?? '';
  if (reporter === '') errors.push(required('reportingComponent'));
  errors.push(...qualifiedName(reporter).map((says) => invalid('reportingComponent', reporter, says)));
  for (const field of ['reportingInstance', 'action', 'reason'] as const) if (!event[field]) errors.push(required(field));
  return errors;
}

export const eventKind = defineBuiltin<KubeEvent>(events, {
  singular: 'event',
  shortNames: ['ev'],
  selectableFields: [
    ...['apiVersion', 'fieldPath', 'kind', 'name', 'namespace', 'resourceVersion', 'uid'].map((field) => `involvedObject.${field}`),
    'reason',
    'reportingComponent',
    'type',
  ],
  columns: [
    computed('Last Seen', 'When it happened last.', { timed: true }),
    computed('Type', 'Normal or Warning.'),
    computed('Reason', 'Why, in one word.'),
    computed('Object', 'What it is about.'),
    computed('Subobject', 'Which part of it.', { priority: 1 }),
    computed('Source', 'Who reported it.', { priority: 1 }),
    computed('Message', 'What happened.'),
    computed('First Seen', 'When it happened first.', { priority: 1, timed: true }),
    computed('Count', 'How often it happened.', { priority: 1 }),
    { ...nameColumn, priority: 1 },
  ],
  cells(event) {
    const { involvedObject: object, series } = event;
    const first = event.firstTimestamp ?? event.eventTime;
    const last = series?.lastObservedTime ?? event.lastTimestamp ?? first;
    const target = (object.kind ?? '').toLowerCase();
    return [
      moment(last),
      event.type ?? '',
      event.reason ?? '',
      object.name ? `${target}/${object.name}` : target,
      object.fieldPath ?? '',
      sourceText(event),
      (event.message ?? '').trim(),
      moment(first),
      series?.count ?? (event.count || 1),
      event.metadata.name,
    ];
  },
  validate(event) {
    const about = event.involvedObject.namespace ?? '';
    const mine = event.metadata.namespace ?? '';
    const isWrong = about === '' ? mine !== 'default' : about !== mine;
    const errors = isWrong ? [invalid('involvedObject.namespace', about, 'does not match event.namespace')] : [];
    return event.eventTime === undefined ? errors : [...errors, ...newStyleErrors(event)];
  },
});
