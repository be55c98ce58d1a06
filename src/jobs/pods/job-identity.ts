/** Who the containers of a job are, where it declares `permissions`: files with tokens that are renewed, and where they are worth something. */
import { TsumugiError } from '../../base/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Run } from '../../records/runs.ts';
import type { Job } from '../../resources/builtin/job/types.ts';
import type { EnvVar, VolumeProjection } from '../../resources/builtin/pod-types.ts';
import type { JobDefinition } from '../../resources/job-definition.ts';
import type { KubeObject } from '../../resources/object.ts';
import { accountName, permissionsOf, type Permissions } from '../../resources/permissions.ts';
import { jobDefinitions } from '../../resources/resources.ts';
import { getIfThere } from '../../kube/get.ts';

/** Accounts of user code, kept as their owners declare them (`functions/identity/`). */
export interface JobAccounts {
  ensure(owner: KubeObject, permissions: Permissions): Promise<void>;
  remove(owner: KubeObject): Promise<void>;
}

/** Where user code finds those who take its tokens; `ca`: PEM. */
export interface JobListeners {
  readonly platform: { readonly url: string; readonly ca?: string };
  readonly kubernetes: { readonly url: string; readonly ca?: string };
  readonly gatewayUrl: string;
}

export interface JobIdentity {
  readonly accounts: JobAccounts;
  readonly listeners: JobListeners;
  /** Audience of the tokens that they take; the Kubernetes API's own is not named. */
  readonly audiences: { readonly platform: string; readonly gateway: string };
}

const volume = 'tsumugi-identity';
const folder = '/secrets/tsumugi';
const caAnnotation = (of: 'platform' | 'kubernetes'): string => `tsumugi.dev/${of}-ca`;

/** The Job with the identity of its definition, whose account is there when this resolves. Throws Forbidden where it declares none any more. */
export async function identified(client: KubeClient, { accounts, ...rest }: JobIdentity, run: Run, job: Job): Promise<Job> {
  const { namespace, job: name } = run;
  const definition = await getIfThere<JobDefinition>(client, jobDefinitions, { namespace, name });
  const permissions = definition && permissionsOf(definition);
  if (!permissions) {
    throw new TsumugiError('Forbidden', `JobDefinition "${name}" in namespace ${namespace} does not declare its permissions any more`);
  }
  await accounts.ensure(definition, permissions).catch((error: unknown) => {
    // That of one of this name that was deleted a moment ago may still be there.
    if (error instanceof TsumugiError && error.code === 'Conflict') throw new TsumugiError('Unavailable', error.message, { cause: error });
    throw error;
  });
  return withIdentity(job, accountName('JobDefinition', name), rest, (permissions.manage ?? []).length > 0);
}

/** `hasApi`: it has rights by the Kubernetes API. */
export function withIdentity(job: Job, account: string, { listeners, audiences }: Omit<JobIdentity, 'accounts'>, hasApi: boolean): Job {
  const { template } = job.spec;
  const { platform, kubernetes, gatewayUrl } = listeners;
  const token = (path: string, audience?: string): VolumeProjection => ({
    serviceAccountToken: { path, expirationSeconds: 3600, ...(audience !== undefined && { audience }) },
  });
  const ca = Object.entries({ platform, kubernetes }).flatMap(([of, listener]) =>
    listener.ca === undefined ? [] : [{ of: of as 'platform' | 'kubernetes', pem: listener.ca }],
  );
  const files = ca.map(({ of }) => ({ path: `${of}-ca.crt`, fieldRef: { fieldPath: `metadata.annotations['${caAnnotation(of)}']` } }));
  const sources: readonly VolumeProjection[] = [
    token('platform', audiences.platform),
    token('gateway', audiences.gateway),
    ...(hasApi ? [token('kubernetes')] : []),
    ...(files.length > 0 ? [{ downwardAPI: { items: files } }] : []),
  ];
  const env: readonly EnvVar[] = [
    { name: 'TSUMUGI_IDENTITY', value: folder },
    { name: 'TSUMUGI_PLATFORM_URL', value: platform.url },
    { name: 'TSUMUGI_API_URL', value: kubernetes.url },
    { name: 'TSUMUGI_GATEWAY_URL', value: gatewayUrl },
  ];
  return {
    ...job,
    spec: {
      ...job.spec,
      template: {
        metadata: {
          ...template.metadata,
          annotations: { ...template.metadata?.annotations, ...Object.fromEntries(ca.map(({ of, pem }) => [caAnnotation(of), pem])) },
        },
        spec: {
          ...template.spec,
          serviceAccountName: account,
          volumes: [...(template.spec.volumes ?? []), { name: volume, projected: { sources } }],
          containers: template.spec.containers.map((container) => ({
            ...container,
            env: [...env, ...(container.env ?? [])],
            volumeMounts: [...(container.volumeMounts ?? []), { name: volume, mountPath: folder, readOnly: true }],
          })),
        },
      },
    },
  };
}
