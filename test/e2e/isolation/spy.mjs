// Runs in a pod and tries what it must not be able to do. Prints one JSON object: attempt -> 'denied: …' or what it got.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';

const { files, folders, sockets, pids, places } = JSON.parse(process.env.TARGETS);
const result = {};
const attempt = async (name, work) => {
  try {
    result[name] = await work();
  } catch (error) {
    result[name] = `denied: ${error.code ?? error.message}`;
  }
};

for (const path of files) await attempt(`read ${path}`, () => readFileSync(path, 'latin1').slice(0, 40));
for (const path of folders) await attempt(`list ${path}`, () => readdirSync(path));
for (const path of places) await attempt(`write ${path}`, () => (writeFileSync(path, 'x'), 'written'));
for (const pid of pids) await attempt(`signal ${pid}`, () => process.kill(pid, 0));
for (const path of sockets) {
  await attempt(`connect ${path}`, () => new Promise((resolve, reject) => connect(path, () => resolve('connected')).on('error', reject)));
}
await attempt('mount', () => execFileSync('mount', ['-t', 'tmpfs', 'none', '/tmp'], { stdio: 'pipe' }).toString());
await attempt('user namespace', () => execFileSync('unshare', ['--user', '--map-root-user', 'id', '-u'], { stdio: 'pipe' }).toString());
await attempt('leave the root', () =>
  execFileSync('nsenter', ['--target', '1', '--mount', '--root', 'true'], { stdio: 'pipe' }).toString(),
);

const status = readFileSync('/proc/self/status', 'utf8');
const field = (name) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1];
result.processes = readdirSync('/proc')
  .filter((name) => /^\d+$/.test(name))
  .map((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
result.tmp = readdirSync('/tmp');
result.uid = process.getuid();
result.groups = process.getgroups();
result.capabilities = [field('CapEff'), field('CapPrm'), field('CapBnd')];
result.noNewPrivileges = field('NoNewPrivs');
result.variables = Object.keys(process.env).sort();
// Sockets and files that were open from the start; what Node opens for itself is neither.
result.inherited = readdirSync('/proc/self/fd')
  .map((fd) => {
    try {
      return `${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`;
    } catch {
      return '';
    }
  })
  .filter((open) => / (socket:|\/)/.test(open) && !/ \/(dev\/null|proc\/)/.test(open))
  .map((open) => open.replace(/\[.*/, ''));
result.devices = readdirSync('/dev').sort();
writeFileSync('/tmp/mine', '');
writeFileSync('/work/mine', '');
console.log(JSON.stringify(result));
