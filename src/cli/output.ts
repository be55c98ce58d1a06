/** What goes to the screen: tables, colours where they help, progress on terminals only. */

const wantsColour = (stream: NodeJS.WriteStream): boolean => stream.isTTY && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';
const paint =
  (open: number, close: number) =>
  (text: string, stream: NodeJS.WriteStream = process.stdout) =>
    wantsColour(stream) ? `\u001B[${open}m${text}\u001B[${close}m` : text;

export const bold = paint(1, 22);
export const dim = paint(2, 22);
export const green = paint(32, 39);
export const red = paint(31, 39);
export const cyan = paint(36, 39);

/** Columns of equal width, three spaces apart, as kubectl prints them. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === header.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + 3)))
      .join('')
      .trimEnd();
  return [header, ...rows].map(line).join('\n');
}

/** Writes a line and waits where the reader is slow, so that nothing is lost when the process ends. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** For what takes longer than a moment: a spinner on a terminal, nothing elsewhere. Ends with `done` or `fail`. */
export async function progress<T>(what: string, work: () => Promise<T>): Promise<T> {
  if (!process.stderr.isTTY || process.env['CI']) return work();
  let bar: { stop(): void } | undefined;
  const timer = setTimeout(() => {
    void import('@clack/prompts').then(({ spinner }) => {
      if (finished) return;
      const shown = spinner({ output: process.stderr });
      shown.start(what);
      bar = { stop: () => shown.clear() };
    });
  }, 300);
  let finished = false;
  try {
    return await work();
  } finally {
    finished = true;
    clearTimeout(timer);
    bar?.stop();
  }
}

/** The oldest form of an age that still says enough: 5s, 3m, 2h, 4d. */
export function age(since: string | undefined, now = Date.now()): string {
  if (!since) return '<unknown>';
  const seconds = Math.max(0, Math.floor((now - Date.parse(since)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
