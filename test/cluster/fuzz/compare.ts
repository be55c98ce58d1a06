/** One sequence on both servers, and where they differ. */
import type { Both } from '../differential/servers.ts';
import { differences } from '../differential/differences.ts';
import { plain } from '../differential/plain.ts';
import { Session } from '../differential/session.ts';
import type { Sequence } from './operations.ts';
import { Run } from './run.ts';

/** `namespace` is there on both, and empty. */
export async function compare({ real, ours }: Both, namespace: string, sequence: Sequence): Promise<string[]> {
  const [theirs, mine] = (await Promise.all(
    [real, ours].map(async (connection) => {
      const session = new Session(connection, namespace);
      try {
        const run = new Run(session, sequence);
        await run.play(sequence);
        const said = plain(session.transcript, namespace);
        await run.clear();
        return said;
      } finally {
        session.close();
      }
    }),
  )) as [unknown[], unknown[]];
  return differences(theirs, mine);
}
