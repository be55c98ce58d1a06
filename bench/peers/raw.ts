/** The measure of all: node:http that says hello, takes a body, gives one. Argument: port. */
import { createServer } from 'node:http';

const big = Buffer.alloc(10 * 1024 * 1024, 7);

createServer((request, response) => {
  if (request.url === '/echo') request.pipe(response);
  else if (request.url === '/big') response.end(big);
  else response.end('hello world');
}).listen(Number(process.argv[2]), '127.0.0.1');
