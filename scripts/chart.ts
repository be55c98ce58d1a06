/**
 * Writes the Helm chart, `charts/tsumugi`, from the manifests of `tsumugi install`. A test checks that it is up to date.
 *
 * The manifests are made once with marks in the place of settings, and the marks become Helm's values; what differs with and without
 * a database is written in both forms.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Document, visit } from 'yaml';
import { checkVersion } from '../src/install/checks.ts';
import { manifests } from '../src/install/manifests.ts';
import { type Manifest, names, partName } from '../src/install/parts.ts';
import { defaultSettings, type InstallSettings, patterns, type ServiceType, serviceTypes } from '../src/install/settings.ts';
import { evaluationWarning } from '../src/install/workloads.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
const defaults = defaultSettings(version);
const madeBy = 'Made by scripts/chart.ts. Do not edit.';

const mark = (value: string): string => `⟦${value}⟧`;
const marked: InstallSettings = {
  namespace: mark('namespace'),
  gateways: mark('gateways') as unknown as number,
  images: {
    'tsumugi/binary': mark('images.binary'),
    'tsumugi/node': mark('images.node'),
    'tsumugi/platform': mark('images.platform'),
  },
  imagePullSecrets: [mark('imagePullSecrets')],
  domain: mark('domain'),
  gatewayUrl: mark('gatewayUrl'),
  serviceType: mark('serviceType') as ServiceType,
};

/** YAML with Helm's expressions where the marks were. */
function template(manifest: Manifest): string {
  const document = new Document(manifest, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_, node) => {
      if (typeof node.value === 'string' && node.value.includes('⟦')) node.type = 'QUOTE_DOUBLE';
    },
  });
  return (
    document
      .toString({ lineWidth: 0 })
      // Nothing stands there where they are empty.
      .replace(/^( *)(- name: \w+\n *value: )"⟦gatewayUrl⟧"\n/gm, '$1{{- with .Values.gatewayUrl }}\n$1$2{{ . | quote }}\n$1{{- end }}\n')
      .replace(
        /^( *)imagePullSecrets:\n *- name: "⟦imagePullSecrets⟧"\n/gm,
        (_, indent: string) =>
          `${indent}{{- with .Values.imagePullSecrets }}\n${indent}imagePullSecrets:\n${indent}  {{- toYaml . | nindent ${indent.length + 2} }}\n${indent}{{- end }}\n`,
      )
      .replace(
        /^( *)(- name: \w+\n *value: )"⟦imagePullSecrets⟧"\n/gm,
        '$1{{- with .Values.imagePullSecrets }}\n$1$2"{{ range $i, $each := . }}{{ if $i }},{{ end }}{{ $each.name }}{{ end }}"\n$1{{- end }}\n',
      )
      .replace(/"⟦gateways⟧"/g, '{{ .Values.gateways | int }}')
      .replace(/"⟦([\w.]+)⟧"/g, '{{ .Values.$1 | quote }}')
      .replace(/⟦([\w.]+)⟧/g, '{{ .Values.$1 }}')
  );
}

/** One file for each part of the platform. */
function templates(): ReadonlyMap<string, string> {
  const without = manifests(marked);
  const withDatabase = manifests({ ...marked, databaseSecret: mark('databaseSecret') });
  const files = new Map<string, string>();
  for (const [index, manifest] of without.entries()) {
    if (manifest.kind === 'CustomResourceDefinition') continue;
    const other = withDatabase[index] as Manifest;
    const text = isDeepStrictEqual(manifest, other)
      ? template(manifest)
      : `{{- if .Values.databaseSecret }}\n${template(other)}{{- else }}\n${template(manifest)}{{- end }}\n`;
    const path = `templates/${partName(manifest)}.yaml`;
    const guarded = manifest.kind === 'Namespace' ? `{{- if .Values.createNamespace }}\n${text}{{- end }}\n` : text;
    files.set(path, files.has(path) ? `${files.get(path)}---\n${guarded}` : `# ${madeBy}\n${guarded}`);
  }
  return files;
}

const values = `# ${madeBy}

# The system namespace, and whether the chart makes it. Without: it should have the labels of templates/namespace.yaml.
namespace: ${defaults.namespace}
createNamespace: true

# Replicas of the gateway.
gateways: ${defaults.gateways}

# A Secret in the system namespace whose key "url" is a PostgreSQL URL. Empty: one controller with SQLite on an emptyDir, to try it.
databaseSecret: ""

images:
  platform: ${defaults.images['tsumugi/platform']}
  node: ${defaults.images['tsumugi/node']}
  binary: ${defaults.images['tsumugi/binary']}

# Secrets to pull these with, and the images of functions: in the system namespace and in each namespace with functions.
imagePullSecrets: []
#  - name: registry

# Functions answer at NAME.NAMESPACE.DOMAIN, too.
domain: ${defaults.domain}

# What the URLs of functions begin with, as https://functions.example.com. Empty: the gateway's Service, inside of the cluster.
gatewayUrl: ""

# Of the gateway's Service: ${serviceTypes.join(', ')}.
serviceType: ${defaults.serviceType}
`;

/** Helm refuses what `tsumugi install` refuses. */
const schema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  additionalProperties: false,
  required: ['namespace', 'gateways', 'images', 'domain', 'serviceType'],
  properties: {
    namespace: { type: 'string', pattern: patterns.dnsLabel.source, not: { pattern: '^(default$|kube-)' } },
    createNamespace: { type: 'boolean' },
    gateways: { type: 'integer', minimum: 1 },
    databaseSecret: { type: 'string', pattern: `^$|${patterns.dnsName.source}` },
    images: {
      type: 'object',
      additionalProperties: false,
      required: ['platform', 'node', 'binary'],
      properties: Object.fromEntries(
        ['platform', 'node', 'binary'].map((name) => [name, { type: 'string', pattern: patterns.reference.source }]),
      ),
    },
    imagePullSecrets: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name'],
        properties: { name: { type: 'string', pattern: patterns.dnsName.source } },
      },
    },
    domain: { type: 'string', pattern: patterns.dnsName.source },
    gatewayUrl: { type: 'string', pattern: `^$|${patterns.url.source}` },
    serviceType: { enum: serviceTypes },
    // Helm puts it there for charts that are part of others.
    global: { type: 'object' },
  },
};

const notes = `Tsumugi {{ .Chart.AppVersion }} is in namespace {{ .Values.namespace }}.
{{- if not .Values.databaseSecret }}

WARNING: ${evaluationWarning.replace('--database-secret', 'the value databaseSecret')}
{{- end }}
{{- if semverCompare "<1.31.0-0" .Capabilities.KubeVersion.Version }}

WARNING: this Kubernetes is older than 1.31:
${checkVersion('v1.30.0').join('\n')}
{{- end }}

next:
  kubectl rollout status deployment/${names.gateway} -n {{ .Values.namespace }}
  tsumugi deploy hello.ts
  tsumugi invoke hello

to remove all of it:
  helm uninstall {{ .Release.Name }} -n {{ .Release.Namespace }}
  tsumugi uninstall     pods of functions; with --data: the definitions, and all that was declared
`;

const chart = `# ${madeBy}
apiVersion: v2
name: tsumugi
description: A serverless platform where you write only the function.
type: application
version: ${version}
appVersion: ${version}
kubeVersion: ">=1.30.0-0"
`;

/** All files but `crds/`, which scripts/crds.ts writes: path -> text. */
export const chartFiles: ReadonlyMap<string, string> = new Map([
  ['Chart.yaml', chart],
  ['values.yaml', values],
  ['values.schema.json', `${JSON.stringify(schema, undefined, 2)}\n`],
  ['templates/NOTES.txt', notes],
  ...templates(),
]);

export const chartFolder = new URL('../charts/tsumugi/', import.meta.url);

if (import.meta.main) {
  rmSync(new URL('templates', chartFolder), { recursive: true, force: true });
  for (const [path, text] of chartFiles) {
    const file = new URL(path, chartFolder);
    mkdirSync(dirname(file.pathname), { recursive: true });
    writeFileSync(file, text);
  }
}
