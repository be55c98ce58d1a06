/** Field errors in the API server's words: reason and sentence of `k8s.io/apimachinery/pkg/util/validation/field`. */
import type { FieldError } from './kind.ts';

/** How the server shows a value: strings quoted, the rest as JSON. */
export const shown = (value: unknown): string => (value === undefined ? 'null' : JSON.stringify(value));

const error = (field: string, reason: string, message: string): FieldError => ({ field, reason, message });

export const invalid = (field: string, value: unknown, says: string): FieldError =>
  error(field, 'FieldValueInvalid', `Invalid value: ${shown(value)}: ${says}`);
export const required = (field: string, says = ''): FieldError =>
  error(field, 'FieldValueRequired', says ? `Required value: ${says}` : 'Required value');
export const forbidden = (field: string, says: string): FieldError => error(field, 'FieldValueForbidden', `Forbidden: ${says}`);
export const duplicate = (field: string, value: unknown): FieldError =>
  error(field, 'FieldValueDuplicate', `Duplicate value: ${shown(value)}`);
export const notFound = (field: string, value: unknown): FieldError => error(field, 'FieldValueNotFound', `Not found: ${shown(value)}`);
export const tooLong = (field: string, bytes: number): FieldError =>
  error(field, 'FieldValueTooLong', `Too long: may not be more than ${bytes} bytes`);
export const tooMany = (field: string, has: number, most: number): FieldError =>
  error(field, 'FieldValueTooMany', `Too many: ${has}: must have at most ${most} ${most === 1 ? 'item' : 'items'}`);
export const notSupported = (field: string, value: unknown, allowed: readonly string[]): FieldError =>
  error(
    field,
    'FieldValueNotSupported',
    `Unsupported value: ${shown(value)}: supported values: ${allowed.map((each) => JSON.stringify(each)).join(', ')}`,
  );
export const typeInvalid = (field: string, value: unknown, says: string): FieldError =>
  error(field, 'FieldValueTypeInvalid', `Invalid value: ${shown(value)}: ${says}`);
