/**
 * Property tests draw the same cases each time, so that a red run means a change and not chance.
 * `TSUMUGI_SEED=random` (or a number) looks further.
 */
import { configureGlobal } from 'fast-check';

const wanted = process.env['TSUMUGI_SEED'] ?? '20261121';
if (wanted !== 'random') configureGlobal({ seed: Number(wanted) });
