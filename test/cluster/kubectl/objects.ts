/** Manifests that the chapters share. */
const yaml = (value: unknown): string => JSON.stringify(value);

export interface Shape {
  readonly labels?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export const configMap = (name: string, data: Readonly<Record<string, string>>, { labels, metadata }: Shape = {}): string =>
  yaml({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...(labels && { labels }), ...metadata }, data });

/** A pod that no scheduler ever looks at, so that both servers leave it as it was written. */
export const pod = (name: string, { labels, metadata }: Shape = {}, spec: Readonly<Record<string, unknown>> = {}): string =>
  yaml({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...(labels && { labels }), ...metadata },
    spec: {
      schedulerName: 'nobody',
      automountServiceAccountToken: false,
      containers: [{ name: 'main', image: 'host', env: [{ name: 'A', value: '1' }], ports: [{ containerPort: 80 }] }],
      ...spec,
    },
  });

export const fn = (name: string, spec: Readonly<Record<string, unknown>> = {}, { labels, metadata }: Shape = {}): string =>
  yaml({
    apiVersion: 'tsumugi.dev/v1',
    kind: 'Function',
    metadata: { name, ...(labels && { labels }), ...metadata },
    spec: { source: { inline: 'export default () => 1' }, ...spec },
  });

/** Begun as YAML: older ones take a file that begins with `{` for JSON to its end. */
export const documents = (...manifests: readonly string[]): string => manifests.map((manifest) => `---\n${manifest}\n`).join('');
