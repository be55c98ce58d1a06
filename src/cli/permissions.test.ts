import { expect, it } from 'vitest';
import { permissionsText, withPermissions } from './permissions.ts';

it('words are added to what there is', () => {
  expect(withPermissions(undefined, ['store', 'jobs'])).toEqual({ manage: ['jobs'], store: true });
  expect(withPermissions({ emit: true, manage: ['jobs'] }, ['secrets', 'jobs', 'runners'])).toEqual({
    emit: true,
    manage: ['jobs', 'secrets'],
    run: ['runners'],
  });
});

it('`none` takes away what there was', () => {
  expect(withPermissions({ emit: true, manage: ['jobs'] }, ['none', 'secrets', 'store'])).toEqual({
    emit: null,
    manage: ['secrets'],
    run: null,
    store: true,
  });
  expect(withPermissions({ store: true }, ['none'])).toBeNull();
});

it('is told in words', () => {
  expect(permissionsText(undefined)).toBeUndefined();
  expect(permissionsText({})).toBe('an identity, without rights');
  expect(permissionsText({ store: true, emit: false, run: ['runners'], manage: ['jobs'] })).toBe('the store, run runners, manage jobs');
});
