import type { Container } from '../../../resources/builtin/pod-types.ts';
import { parseQuantity } from '../../../resources/quantity.ts';
import type { Limits } from '../isolation/isolation.ts';

export function limitsOf({ resources }: Container): Limits {
  const memoryBytes = parseQuantity(resources?.limits?.['memory']);
  const cpus = parseQuantity(resources?.limits?.['cpu']);
  return { ...(memoryBytes === undefined ? {} : { memoryBytes }), ...(cpus === undefined ? {} : { cpus }) };
}
