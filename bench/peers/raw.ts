/** The measure of all: node:http that says hello, takes a body, gives one. Arguments: port, address (127.0.0.1). */
import { createServer } from 'node:http';

const big = Buffer.alloc(10 * 1024 * 1024, 7);

createServer((request, response) => {
  if (request.url === '/echo') request.pipe(response);
  else if (request.url === '/big') response.end(big);
  else response.end('hello world');
}).listen(Number(process.argv[2]), process.argv[3] ?? '127.0.0.1');
