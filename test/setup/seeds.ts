/**
 * Property tests draw the same cases each time, so that a red run means a change and not chance.
 * `TSUMUGI_SEED=random` (or a number) looks further. Set where fast-check looks, so that files without properties do not load it.
 */
const wanted = process.env['TSUMUGI_SEED'] ?? '20261121';
if (wanted !== 'random') Object.assign(globalThis, { [Symbol.for('fast-check/GlobalParameters')]: { seed: Number(wanted) } });
