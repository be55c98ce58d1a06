/** Runs rows and prints them as a Markdown table. */
import { cpus, release } from 'node:os';
import type { Effort, Figure, Row } from './row.ts';

export interface Choice<On extends readonly unknown[]> {
  readonly rows: readonly Row<On>[];
  readonly effort: Effort;
}

/** `[ROW …] [--quick]`; exits 2 where no row has such a name. */
export function choose<On extends readonly unknown[]>(all: readonly Row<On>[], args: readonly string[]): Choice<On> {
  const quick = args.includes('--quick');
  const names = args.filter((arg) => !arg.startsWith('--'));
  const unknown = names.filter((name) => !all.some((row) => row.name === name));
  if (unknown.length > 0) {
    console.error(`rows: ${all.map((row) => row.name).join(', ')}`);
    process.exit(2);
  }
  return {
    rows: names.length === 0 ? all : all.filter((row) => names.includes(row.name)),
    effort: quick ? { rounds: 3, seconds: 2, quick } : { rounds: 5, seconds: 5, quick },
  };
}

/** How many figures do not reach what they must. */
export async function report<On extends readonly unknown[]>({ rows, effort }: Choice<On>, ...on: On): Promise<number> {
  console.log(
    `${cpus().length} x ${cpus()[0]?.model}, Linux ${release()}, Node ${process.version}; ${effort.rounds} rounds of ${effort.seconds} s\n`,
  );
  console.log('| what | measured | reach | aim | | made of |\n|---|---|---|---|---|---|');
  let missed = 0;
  for (const row of rows) {
    try {
      for (const figure of await row.run(effort, ...on)) {
        const verdict = judge(figure);
        if (verdict === 'missed') missed++;
        const { what, text, limits, detail } = figure;
        console.log(`| ${what} | **${text}** | ${limits?.[0] ?? ''} | ${limits?.[1] ?? ''} | ${verdict} | ${detail} |`);
      }
    } catch (error) {
      missed++;
      console.log(`| ${row.name} | failed | | | failed | ${(error as Error).message.replaceAll('\n', ' ').slice(0, 300)} |`);
    }
  }
  return missed;
}

function judge({ value, limits, up }: Figure): string {
  if (!limits) return '';
  const at = (limit: number): boolean => (up ? value >= limit : value <= limit);
  const [reach, aim] = limits;
  return at(aim) ? 'aim' : at(reach) ? 'reach' : 'missed';
}
