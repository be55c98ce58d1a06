import type { Row } from '../lib/row.ts';
import { body } from './body.ts';
import { latency } from './latency.ts';
import { warm } from './warm.ts';

export const rows: readonly Row[] = [warm, latency, body];
