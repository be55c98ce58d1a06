/** What `describe` says at the top: a few facts of each kind of ours, the spec as it is of all others. */
import { stringify } from 'yaml';
import { permissionsText } from '../permissions.ts';
import { humanDuration } from '../../resources/cells.ts';
import type { EnvVar, Pod } from '../../resources/builtin/pod-types.ts';
import type { FunctionResource } from '../../resources/function.ts';
import type { KubeObject } from '../../resources/object.ts';
import type { RevisionResource } from '../../resources/revision.ts';
import type { RouteResource } from '../../resources/route.ts';
import type { RuntimeResource } from '../../resources/runtime.ts';

/** Name and text; undefined: not shown. A text of several lines is put below its name. */
export type Fact = readonly [name: string, text: string | undefined];

export const age = (timestamp: string | undefined, now: number): string =>
  timestamp === undefined ? '<unknown>' : humanDuration(now - Date.parse(timestamp));

/** The facts of an object; `url` is the function's. */
export function factsOf(object: KubeObject, url: string | undefined): readonly Fact[] {
  const group = object.apiVersion.includes('/') ? object.apiVersion.split('/')[0] : '';
  switch (`${group}/${object.kind}`) {
    case 'tsumugi.dev/Function':
      return functionFacts(object as FunctionResource, url);
    case 'tsumugi.dev/Revision':
      return [['Function', (object as RevisionResource).spec.function], ...executionFacts((object as RevisionResource).spec)];
    case 'tsumugi.dev/Runtime':
      return runtimeFacts((object as RuntimeResource).spec);
    case 'tsumugi.dev/Route':
      return routeFacts((object as RouteResource).spec);
    case '/Pod':
      return podFacts(object as Pod);
    default:
      return otherFacts(object);
  }
}

function functionFacts({ spec, status }: FunctionResource, url: string | undefined): readonly Fact[] {
  const { min, max, idleTimeoutSeconds } = spec.scale;
  return [
    ['URL', url || undefined],
    ['Revision', status?.latestReadyRevision ?? 'none is ready'],
    ...executionFacts(spec),
    ['Exports', list(status?.exports)],
    ['Visibility', spec.visibility === 'private' ? 'private: callers need a token' : undefined],
    ['Code may use', permissionsText(spec.permissions)],
    ['Scale', `${min} to ${max} instances; without work they go after ${idleTimeoutSeconds} s`],
  ];
}

function executionFacts(spec: FunctionResource['spec'] | RevisionResource['spec']): readonly Fact[] {
  const { source, runtime, handler, concurrency, reuse, timeoutSeconds, env, secrets, configMaps } = spec;
  const inline = 'inline' in source ? source.inline : undefined;
  return [
    ['Source', inline === undefined ? `package ${source.package ?? ''}` : `inline, ${inline.length} characters`],
    ['Runtime', `${runtime}, handler ${handler}`],
    ['Requests', `${concurrency === undefined ? '' : `${concurrency} at once per instance, `}${timeoutSeconds} s at most`],
    ['Reuse', reuse === 'never' ? 'never: each request gets a pod of its own' : undefined],
    ['Variables', list(env?.map(variable))],
    ['Secrets', list(secrets)],
    ['ConfigMaps', list(configMaps)],
  ];
}

/** A value may be anything: it is in the spec for who looks there. */
const variable = ({ name, valueFrom }: EnvVar): string =>
  valueFrom?.secretKeyRef
    ? `${name} (Secret ${valueFrom.secretKeyRef.name})`
    : valueFrom?.configMapKeyRef
      ? `${name} (ConfigMap ${valueFrom.configMapKeyRef.name})`
      : name;

function runtimeFacts({ image, poolSize, concurrency, idleTimeoutSeconds, resources }: RuntimeResource['spec']): readonly Fact[] {
  return [
    ['Image', image],
    ['Pool', `${poolSize} warm pods for each namespace with functions`],
    ['Requests', `${concurrency} at once per instance`],
    ['Idle', idleTimeoutSeconds === undefined ? undefined : `instances without work go after ${idleTimeoutSeconds} s`],
    ['Resources', resources === undefined ? undefined : inOneLine(resources)],
  ];
}

function routeFacts({ match, backend, auth }: RouteResource['spec']): readonly Fact[] {
  return [
    ['Hosts', list(match.hosts) ?? 'any'],
    ['Path', match.path ?? `${match.prefix ?? ''} and below`],
    ['Methods', list(match.methods) ?? 'any'],
    ['Function', backend.function],
    ['Auth', auth === 'token' ? 'token: requests need one' : undefined],
  ];
}

function podFacts({ spec, status }: Pod): readonly Fact[] {
  const containers = (status?.containerStatuses ?? []).map(({ name, state = {}, restartCount }) => {
    const { running, waiting, terminated } = state;
    const ended = terminated && `ended with exit code ${terminated.exitCode}${terminated.reason ? ` (${terminated.reason})` : ''}`;
    const waits = waiting && `waits: ${[waiting.reason, waiting.message].filter(Boolean).join(': ')}`;
    return `${name} ${running ? 'runs' : (ended ?? waits ?? 'is not known')}${restartCount > 0 ? `, ${restartCount} restarts` : ''}`;
  });
  return [
    ['Phase', [status?.phase, status?.reason, status?.message].filter(Boolean).join(': ')],
    ['Node', spec.nodeName],
    ['IP', status?.podIP],
    ['Images', list(spec.containers.map(({ image = '' }) => image))],
    ['Containers', list(containers)],
  ];
}

/** Keys alone of what holds data: a Secret's values are nobody's business here. */
function otherFacts(object: KubeObject): readonly Fact[] {
  const { spec, data, type } = object as KubeObject & { spec?: object; data?: Record<string, string>; type?: string };
  const isSecret = object.kind === 'Secret';
  const size = (text: string): number => (isSecret ? Buffer.from(text, 'base64').length : Buffer.byteLength(text));
  const keys = Object.entries(data ?? {}).map(([key, text]) => `${key} (${size(text)} B)`);
  return [
    ['Type', type],
    ['Keys', list(keys)],
    ['Spec', spec === undefined || Object.keys(spec).length === 0 ? undefined : stringify(spec, { lineWidth: 0 }).trimEnd()],
  ];
}

const list = (items: readonly string[] | undefined): string | undefined =>
  items === undefined || items.length === 0 ? undefined : items.join(', ');

const inOneLine = (value: object): string => stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();
