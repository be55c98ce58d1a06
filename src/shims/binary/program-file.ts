/** What kind of program a file is, and whether it can run here: told when the function is deployed and not at its first request. */
import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { LoadError } from '../node/loaded.ts';

const shell = '/bin/sh';
/** The kernel reads so much of a script's first line. */
const maxFirstLine = 256;

/** `e_machine` of an ELF header, as Node calls the processor. */
const machines: Readonly<Record<number, string>> = {
  3: 'ia32',
  40: 'arm',
  62: 'x64',
  183: 'arm64',
  243: 'riscv64',
  22: 's390x',
  21: 'ppc64',
};

/** Programs of other systems, by how they begin. */
const foreign: readonly (readonly [string, string])[] = [
  ['cffaedfe', 'macOS'],
  ['cefaedfe', 'macOS'],
  ['cafebabe', 'macOS'],
  ['4d5a', 'Windows'],
];

/**
 * The command that runs the file; a text without a first line `#!…` is a script for `/bin/sh`.
 *
 * @param searchPath where `#!/usr/bin/env NAME` finds its interpreter
 * @throws {LoadError} that says what is missing or wrong.
 */
export function commandFor(path: string, searchPath: string): readonly string[] {
  const head = readAt(path, 0, 4096);
  if (head.length === 0) throw new LoadError('the program is an empty file');
  if (head.toString('latin1', 0, 4) === '\x7fELF') {
    checkElf(path, head);
    return [path];
  }
  if (head.toString('latin1', 0, 2) === '#!') {
    checkFirstLine(head, searchPath);
    return [path];
  }
  const system = foreign.find(([magic]) => head.toString('hex').startsWith(magic))?.[1];
  if (system !== undefined) throw new LoadError(`the program was built for ${system}; build it for Linux on ${process.arch}`);
  if (head.includes(0)) throw new LoadError('the file is neither a script nor a program for Linux (ELF)');
  if (!isProgram(shell)) throw new LoadError(`the script names no interpreter in its first line, and this pod has no ${shell}`);
  return [shell, path];
}

function checkFirstLine(head: Buffer, searchPath: string): void {
  const end = head.indexOf('\n');
  const line = head.toString('utf8', 0, end < 0 ? head.length : end);
  if (line.endsWith('\r')) throw new LoadError('the script has Windows line ends; save it with Unix line ends (LF)');
  if (line.length > maxFirstLine) throw new LoadError(`the script's first line has more than ${maxFirstLine} characters`);
  const [interpreter = '', ...args] = line
    .slice(2)
    .trim()
    .split(/[ \t]+/);
  if (interpreter === '') throw new LoadError('the script\'s first line is "#!" without an interpreter');
  if (!isProgram(interpreter)) throw missing(interpreter, line);
  if (basename(interpreter) !== 'env') return;
  const name = args.find((each) => !each.startsWith('-') && !each.includes('='));
  if (name === undefined || name.includes('/') ? name !== undefined && !isProgram(name) : !isOnPath(name, searchPath))
    throw missing(name ?? '', line);
}

const missing = (interpreter: string, line: string): LoadError =>
  new LoadError(
    `the interpreter "${interpreter}" of the script's first line (${line.trim()}) is not in the function's pod; use one that is there, as #!/bin/sh, or an image that has it (spec.image)`,
  );

/** The processor, and the loader that a dynamically linked program asks for. */
function checkElf(path: string, head: Buffer): void {
  const [is64, isLittle] = [head[4] === 2, head[5] === 1];
  const machine = head.length < 64 ? -1 : isLittle ? head.readUInt16LE(18) : head.readUInt16BE(18);
  const arch = machines[machine] ?? `another processor (ELF machine ${machine})`;
  const runs = isLittle && (arch === process.arch || (arch === 'ia32' && process.arch === 'x64'));
  if (!runs)
    throw new LoadError(`the program was built for ${arch}, and this pod runs on ${process.arch}; build it for linux/${process.arch}`);
  const type = head.readUInt16LE(16);
  if (type !== 2 && type !== 3) throw new LoadError('the file is an ELF file, but no program: link it first');
  const loader = loaderOf(path, head, is64);
  if (loader !== undefined && !isProgram(loader))
    throw new LoadError(
      `the program is linked dynamically and needs "${loader}", which is not in the function's pod; link it statically, or for glibc`,
    );
}

/** PT_INTERP, if there is one. */
function loaderOf(path: string, head: Buffer, is64: boolean): string | undefined {
  const table = is64 ? Number(head.readBigUInt64LE(32)) : head.readUInt32LE(28);
  const [size, count] = is64 ? [head.readUInt16LE(54), head.readUInt16LE(56)] : [head.readUInt16LE(42), head.readUInt16LE(44)];
  const entries = readAt(path, table, size * count);
  const end = size < 32 ? 0 : entries.length;
  for (let at = 0; at + size <= end; at += size) {
    if (entries.readUInt32LE(at) !== 3) continue;
    const [offset, length] = is64
      ? [Number(entries.readBigUInt64LE(at + 8)), Number(entries.readBigUInt64LE(at + 32))]
      : [entries.readUInt32LE(at + 4), entries.readUInt32LE(at + 16)];
    return readAt(path, offset, Math.min(length, 4096)).toString('utf8').replace(/\0.*$/s, '');
  }
  return undefined;
}

function readAt(path: string, position: number, length: number): Buffer {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(fd, bytes, 0, length, position));
  } finally {
    closeSync(fd);
  }
}

const isOnPath = (name: string, searchPath: string): boolean => searchPath.split(delimiter).some((folder) => isProgram(join(folder, name)));

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
