/** What `program` is compared with: node:http that spawns the program for each request. Arguments: port, program. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';

const [, , port, program = ''] = process.argv;

createServer((request, response) => {
  const child = spawn(program, { env: { ...process.env, REQUEST_METHOD: request.method, REQUEST_URI: request.url } });
  request.pipe(child.stdin);
  child.stdout.pipe(response);
  child.stderr.pipe(process.stderr);
  child.stdin.on('error', () => {});
}).listen(Number(port), '127.0.0.1');
