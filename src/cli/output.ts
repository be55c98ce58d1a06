/** What goes to the screen: tables, and progress on terminals only. */

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

/** For what takes longer than a moment: a spinner on a terminal, nothing elsewhere. */
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
