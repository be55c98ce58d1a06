import type { Command } from 'commander';
import type { KubeEvent } from '../../resources/builtin/event.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import type { FunctionResource } from '../../resources/function.ts';
import type { KubeObject } from '../../resources/object.ts';
import { platformOptions } from '../flags.ts';
import type { ServedKind } from '../kinds.ts';
import type { Platform, PlatformFlags } from '../platform.ts';

/** `tsumugi describe KIND NAME…`: all about an object on one screen. */
export function register(program: Command): void {
  platformOptions(
    program
      .command('describe')
      .description('show an object with its pods, its events and its last error')
      .argument('<kind>', 'function (fn), revision, runtime (rt), route, pod, …')
      .argument('<names...>', 'which'),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  tsumugi describe fn hello\n  tsumugi describe runtime node\n  tsumugi describe fn hello orders -n shop',
    )
    .action(async (word: string, names: string[], flags: PlatformFlags) => {
      const [{ connect }, { discoverKinds, findKind }, { describeObject }, { asTyped }] = await Promise.all([
        import('../platform.ts'),
        import('../kinds.ts'),
        import('../describe/describe.ts'),
        import('../program.ts'),
      ]);
      const platform = await connect(flags);
      const kind = findKind(await discoverKinds(platform.api), word);
      const texts = await Promise.all(names.map((name) => gather(platform, kind, name).then((all) => describeObject(all, Date.now()))));
      process.stdout.write(asTyped(texts.join('\n')));
    });
}

/** Which pods belong to an object of ours: the label that has its name. */
const podLabels: Readonly<Record<string, string>> = {
  Function: 'tsumugi.dev/function',
  Revision: 'tsumugi.dev/revision',
  Runtime: 'tsumugi.dev/runtime',
};

async function gather(platform: Platform, kind: ServedKind, name: string) {
  const [{ describeMissing }, { events, functions, pods }] = await Promise.all([
    import('../missing.ts'),
    import('../../resources/resources.ts'),
  ]);
  const scope = kind.namespaced ? { namespace: platform.namespace } : {};
  const object = await platform.kube
    .get<KubeObject>(kind, { ...scope, name })
    .catch((error: unknown) => describeMissing(platform, kind, name, error));
  const label = kind.group === functions.group ? podLabels[kind.kind] : undefined;
  const [podList, eventList] = await Promise.all([
    label === undefined ? { items: [] } : platform.kube.list<Pod>(pods, { ...scope, labelSelector: `${label}=${name}` }),
    platform.kube.list<KubeEvent>(events, { ...scope, fieldSelector: `involvedObject.uid=${object.metadata.uid}` }),
  ]);
  const isFunction = kind.group === functions.group && kind.kind === functions.kind;
  return {
    object,
    pods: podList.items,
    events: eventList.items,
    ...(isFunction ? { url: platform.functionUrl(object as FunctionResource) } : {}),
  };
}
