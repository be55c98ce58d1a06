// The smallest program that keeps the shim's side of the life-line: waits blank, becomes a pod, answers each connection with what it sees.
// With arguments it says them, and ends.
import { createInterface } from 'node:readline';
import { createServer, Socket } from 'node:net';

if (process.argv.length > 2) {
  console.log(JSON.stringify(process.argv.slice(2)));
  process.exit(3);
}

const lifeline = new Socket({ fd: 3 });
lifeline.on('close', () => process.exit());
createInterface({ input: lifeline }).on('line', (line) => {
  const { assign } = JSON.parse(line);
  console.log(`pod ${assign.name}`);
  const server = createServer((socket) => socket.end(JSON.stringify({ assign, cwd: process.cwd(), env: process.env, pid: process.pid })));
  server.listen(assign.listen.replace('unix:', ''), () => lifeline.write('{"listening":true}\n'));
});
process.on('SIGTERM', () => process.exit(0));
lifeline.write('{"ready":true}\n');
