/** The program of the images `tsumugi/node` and `tsumugi/binary`, in one file without dependencies: the shim, or with `--script` a script. */
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { wantsScript } from '../script/arguments.ts';
import { runShim } from './shim.ts';

const [, program = '', ...args] = process.argv;
if (wantsScript(args)) void import(pathToFileURL(join(dirname(program), 'script.mjs')).href);
else runShim();
