/** What `tsumugi install` and `tsumugi uninstall` do and say. */
import { TsumugiError } from '../base/errors.ts';
import { type Applied, applyManifests } from '../install/apply.ts';
import {
  checkDatabaseSecret,
  checkOnlyOne,
  checkPermissions,
  checkRecordsStay,
  checkVersion,
  refuseEmbedded,
  serverVersion,
} from '../install/checks.ts';
import { manifests } from '../install/manifests.ts';
import { type Component, type Manifest, partName } from '../install/parts.ts';
import { waitForRollout } from '../install/rollout.ts';
import { checkSettings, defaultSettings, type InstallSettings, type ServiceType } from '../install/settings.ts';
import { defaultNamespace } from '../resources/installation.ts';
import { uninstall as uninstallFrom } from '../install/uninstall.ts';
import { evaluationWarning } from '../install/workloads.ts';
import { createHttpClient, type HttpKubeClient } from '../kube/http/client.ts';
import { loadConnection } from '../kube/kubeconfig.ts';
import { packageVersion } from '../processes/version.ts';
import type { ClusterFlags, InstallFlags } from './commands/install.ts';
import type { UninstallFlags } from './commands/uninstall.ts';
import { formatTable, progress } from './output.ts';
import { parseCount, parseSeconds } from './values.ts';

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const warn = (text: string): void => void process.stderr.write(`warning: ${text}\n`);

export async function install(flags: InstallFlags): Promise<void> {
  const settings = readSettings(flags);
  if (flags.output !== 'table' && flags.output !== 'yaml')
    throw new TsumugiError('Usage', `--output is "${flags.output}"`, { hint: 'allowed: table, yaml' });
  if (flags.dryRun && flags.wait) throw new TsumugiError('Usage', '--wait waits for what --dry-run does not do');
  const timeoutSeconds = parseSeconds('--timeout', flags.timeout);
  const wanted = manifests(settings);
  const warnOfEvaluation = (): void => {
    if (settings.databaseSecret === undefined) warn(evaluationWarning);
  };
  if (flags.dryRun && flags.output === 'yaml') {
    warnOfEvaluation();
    return printYaml(wanted);
  }
  await onCluster(flags, async (client, where) => {
    const version = await serverVersion(client);
    for (const lost of checkVersion(version)) warn(`Kubernetes ${version} is older than 1.31: ${lost}`);
    await checkPermissions(client, settings.namespace, ['get', 'create', 'patch']);
    await checkOnlyOne(client, settings.namespace);
    await checkRecordsStay(client, settings);
    if (!flags.dryRun) await checkDatabaseSecret(client, settings);
    warnOfEvaluation();
    const applied = await progress('installing', () => applyManifests(client, wanted, { dryRun: flags.dryRun === true }));
    if (flags.output === 'yaml') await printYaml(wanted);
    else report(settings, applied, `${where} (Kubernetes ${version})`, flags.dryRun === true);
    if (flags.wait)
      await progress('waiting for controller and gateway', () => waitForRollout(client, settings.namespace, { timeoutSeconds }));
    if (flags.output === 'table' && !flags.dryRun) next(settings.namespace, flags.wait === true);
  });
}

/** Answers the exit code. */
export async function uninstall(flags: UninstallFlags): Promise<number> {
  const namespace = checkSettings({ ...defaultSettings(packageVersion()), namespace: flags.namespace ?? defaultNamespace }).namespace;
  const data = flags.data === true;
  return onCluster(flags, async (client, where) => {
    if (data && !flags.yes && !(await agreed(where))) {
      say('nothing was changed');
      return 1;
    }
    refuseEmbedded(await serverVersion(client));
    await checkPermissions(client, namespace, ['get', 'list', 'delete']);
    await checkOnlyOne(client, namespace);
    const { removed, foreign } = await progress('removing', () => uninstallFrom(client, { namespace, data }));
    say(`${removed.size === 0 ? 'there was nothing of Tsumugi' : 'removed Tsumugi'} on ${where}, namespace ${namespace}`);
    if (removed.size > 0)
      say(
        `\n${formatTable(
          ['KIND', 'OBJECTS'],
          [...removed].map(([kind, count]) => [kind, String(count)]),
        )}`,
      );
    if (foreign.length > 0) say(`\nnamespace ${namespace} stays: it has ${foreign.join(', ')}`);
    if (!data) say('\nFunctions, Routes, Revisions and Runtimes stay declared; `tsumugi uninstall --data` removes them');
    return 0;
  });
}

/** Asks on a terminal; where nobody can answer, it is an error. */
async function agreed(where: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new TsumugiError('Usage', '--data deletes every Function of the cluster, and nobody can be asked', { hint: 'say --yes' });
  const { confirm, isCancel } = await import('@clack/prompts');
  const answer = await confirm({
    message: `Delete every Function, Route, Revision and Runtime on ${where}?`,
    initialValue: false,
    output: process.stderr,
  });
  return !isCancel(answer) && answer;
}

async function onCluster<T>(flags: ClusterFlags, work: (client: HttpKubeClient, where: string) => Promise<T>): Promise<T> {
  const { kubeconfig, context } = flags;
  const connection = await loadConnection({
    ...(kubeconfig !== undefined && { path: kubeconfig }),
    ...(context !== undefined && { context }),
  });
  const client = createHttpClient(connection);
  try {
    return await work(client, connection.from);
  } finally {
    client.close();
  }
}

function readSettings(flags: InstallFlags): InstallSettings {
  const base = defaultSettings(packageVersion());
  const images = (flags.image ?? []).map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1) throw new TsumugiError('Usage', `--image is "${pair}"`, { hint: 'allowed: NAME=REFERENCE' });
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  return checkSettings({
    ...base,
    images: { ...base.images, ...Object.fromEntries(images) },
    ...(flags.namespace !== undefined && { namespace: flags.namespace }),
    ...(flags.gateways !== undefined && { gateways: parseCount('--gateways', flags.gateways, 1) }),
    ...(flags.databaseSecret !== undefined && { databaseSecret: flags.databaseSecret }),
    ...(flags.imagePullSecret !== undefined && { imagePullSecrets: [...new Set(flags.imagePullSecret)] }),
    ...(flags.domain !== undefined && { domain: flags.domain }),
    ...(flags.gatewayUrl !== undefined && { gatewayUrl: flags.gatewayUrl }),
    ...(flags.serviceType !== undefined && { serviceType: flags.serviceType as ServiceType }),
  });
}

async function printYaml(objects: readonly Manifest[]): Promise<void> {
  const { stringify } = await import('yaml');
  process.stdout.write(objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n'));
}

/** One row a part: what it is and what became of its objects. */
function report(settings: InstallSettings, applied: readonly Applied[], where: string, dryRun: boolean): void {
  const about: Readonly<Record<Component, string>> = {
    kinds: applied
      .flatMap(({ manifest: { kind, metadata } }) => (kind === 'CustomResourceDefinition' ? metadata.name.split('.')[0] : []))
      .join(', '),
    namespace: settings.namespace,
    access: 'roles for those who use it',
    controller:
      settings.databaseSecret === undefined
        ? '1 replica, records on an emptyDir'
        : `2 replicas, records by Secret ${settings.databaseSecret}`,
    gateway: `${settings.gateways} replica${settings.gateways === 1 ? '' : 's'}, Service of type ${settings.serviceType}`,
  };
  const rows = Object.entries(about).map(([part, says]) => [
    part,
    says,
    results(applied.filter(({ manifest }) => partName(manifest) === part)),
  ]);
  say(`Tsumugi ${packageVersion()} on ${where}${dryRun ? ', dry run' : ''}\n`);
  say(formatTable(['PART', 'WHAT', 'RESULT'], rows));
}

/** `4 created`, `1 configured, 3 unchanged`. */
function results(applied: readonly Applied[]): string {
  return (['created', 'configured', 'unchanged'] as const)
    .map((result) => ({ result, count: applied.filter((each) => each.result === result).length }))
    .filter(({ count }) => count > 0)
    .map(({ result, count }) => `${count} ${result}`)
    .join(', ');
}

function next(namespace: string, isReady: boolean): void {
  const rows = [
    ...(isReady ? [] : [[`kubectl get pods -n ${namespace}`, 'whether it runs yet']]),
    ['tsumugi deploy hello.ts', 'from a file to a function'],
    ['tsumugi invoke hello', 'a request to it'],
  ];
  say(
    `\n${formatTable(
      ['next:', ''],
      rows.map(([command = '', says = '']) => [`  ${command}`, says]),
    )}`,
  );
}
