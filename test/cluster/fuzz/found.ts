/** Sequences on which the two servers differed once. */
import type { Sequence } from './operations.ts';

export const found: Readonly<Record<string, Sequence>> = {};
