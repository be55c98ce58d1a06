/**
 * The house's law, checked: who may import whom (only downward), no import cycles, no file over the limit.
 * Run by `npm run verify`. Prints each breach as `file: what` and exits 1.
 */
import { readFileSync } from 'node:fs';
import { globSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** Top to bottom. A folder may import itself and what stands below it, less what `never` says. */
const order = [
  'cli',
  'processes',
  'install',
  'workflows',
  'jobs',
  'events',
  'gateway',
  'functions',
  'api',
  'clusters',
  'invoke',
  'build',
  'embedded',
  'shims',
  'wire',
  'records',
  'client',
  'kube',
  'resources',
  'base',
  'sdk',
];

/** Beyond the order: the platform never sees the embedded cluster, leaves import nothing of ours. */
const only: Record<string, readonly string[]> = {
  base: [],
  sdk: [],
  resources: ['base'],
  clusters: ['kube', 'resources', 'base'],
  kube: ['resources', 'base'],
  client: ['kube', 'resources', 'base', 'sdk'],
  records: ['base'],
  wire: ['base'],
  shims: ['client', 'wire', 'sdk', 'base'],
  build: ['base'],
  invoke: ['wire', 'base'],
  api: ['resources', 'base'],
  jobs: ['api', 'invoke', 'build', 'wire', 'records', 'kube', 'resources', 'base'],
  functions: ['api', 'invoke', 'build', 'wire', 'records', 'kube', 'resources', 'base'],
  gateway: ['invoke', 'kube', 'records', 'resources', 'base'],
  embedded: ['records', 'kube', 'resources', 'base'],
};

/** Lines a source file may have; a generated table is no source. */
const maxLines = 400;

const files = globSync('src/**/*.ts').filter((file) => !file.endsWith('.d.ts'));
const problems: string[] = [];
const imports = new Map<string, string[]>();
const topOf = (file: string): string => file.split('/')[1] ?? '';

for (const file of files) {
  const text = readFileSync(file, 'utf8');
  const isTest = /\.(test|contract)\.ts$/.test(file) || file.includes('/testing/');
  const lines = text.split('\n').length;
  if (lines > maxLines && !isTest && !file.includes('.generated.'))
    problems.push(`${file}: ${lines} lines; two files would tell the story better (limit ${maxLines})`);

  const targets: string[] = [];
  for (const [, typeOnly, from, dynamic] of text.matchAll(
    /^(?:import|export)\s+(type\s)?[^'"]*?from\s+'(\.[^']+)'|import\('(\.[^']+)'\)/gm,
  )) {
    const target = normalize(join(dirname(file), from ?? dynamic ?? ''));
    if (!typeOnly && from) targets.push(target);
    const [mine, theirs] = [topOf(file), topOf(target)];
    if (!target.startsWith('src/') || mine === theirs || isTest) continue;
    const allowed = only[mine] ?? order.slice(order.indexOf(mine) + 1).filter((folder) => folder !== 'embedded' || mine === 'processes');
    if (!allowed.includes(theirs)) problems.push(`${file}: ${mine}/ may not import ${theirs}/ (${target})`);
  }
  imports.set(file, targets);
}

const state = new Map<string, 'open' | 'done'>();
function visit(file: string, path: readonly string[]): void {
  if (state.get(file) === 'done') return;
  if (state.get(file) === 'open') {
    problems.push(`cycle: ${[...path.slice(path.indexOf(file)), file].join(' -> ')}`);
    return;
  }
  state.set(file, 'open');
  for (const target of imports.get(file) ?? []) visit(target, [...path, file]);
  state.set(file, 'done');
}
for (const file of imports.keys()) visit(file, []);

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`layers: ${files.length} files, no breach`);
