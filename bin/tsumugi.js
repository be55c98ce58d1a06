#!/usr/bin/env node
import module from 'node:module';

module.enableCompileCache?.();

const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 24) {
  console.error(
    `error: tsumugi needs Node 24 or newer, this is ${process.version}\n hint: in a checkout, \`npm ci\` installs the right one and \`npx tsumugi\` uses it; elsewhere see https://nodejs.org`,
  );
  process.exit(1);
}

const { existsSync } = await import('node:fs');
// A checkout runs its sources as they are; the published package has only what tsc made of them.
const sources = new URL('../src/cli/main.ts', import.meta.url);
const { main } = await import(existsSync(sources) ? sources.href : new URL('../dist/cli/main.js', import.meta.url).href);
process.exitCode = await main(process.argv.slice(2));
