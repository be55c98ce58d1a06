/** The embedded API alone in a process, as the control plane has it: `DATA full|normal`. Tells its address as JSON, and ends with its parent. */
import { openEmbeddedApi } from '../../src/embedded/api/index.ts';

const [data = '', durability] = process.argv.slice(2);
// NORMAL: a commit is in the log's file, and nobody waits until the disk has it.
const api = await openEmbeddedApi({ data, ...(durability === 'normal' && { sync: async () => {} }) });
process.send?.({ server: api.url, ca: api.ca, token: api.token });
process.on('disconnect', () => void api.close().then(() => process.exit()));
