/** Writes the table of metrics in `docs/operations.md` from the registries' own texts. A test checks that it is up to date. */
import { readFileSync, writeFileSync } from 'node:fs';
import { GatewayMetrics } from '../src/gateway/metrics.ts';
import { controlPlaneMetrics } from '../src/processes/control-plane-metrics.ts';
import { processMetrics } from '../src/processes/process-metrics.ts';

const file = new URL('../docs/operations.md', import.meta.url);
const [begin, end] = ['<!-- metrics: made by scripts/metrics.ts -->\n', '<!-- end of metrics -->\n'];

/** The document with its table as the code has it. */
export function withMetricsTable(document: string): string {
  const none = (): ReadonlyMap<string, number> => new Map();
  const sections = [
    ['gateways', new GatewayMetrics({ waiting: () => 0, inFlight: () => 0 }).registry.text()],
    ['control plane', controlPlaneMetrics('/nowhere', { watches: none, phases: none }).registry.text()],
    ['every process', processMetrics()()],
  ] as const;
  const rows = sections.flatMap(([where, text]) =>
    [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\w+)$/gm)].map(
      ([, name, help, type]) => `| \`${name}\` | ${type} | ${where} | ${help} |\n`,
    ),
  );
  const table = `| metric | type | told by | what it is |\n|---|---|---|---|\n${rows.join('')}`;
  return document.slice(0, document.indexOf(begin) + begin.length) + table + document.slice(document.indexOf(end));
}

if (import.meta.main) writeFileSync(file, withMetricsTable(readFileSync(file, 'utf8')));
