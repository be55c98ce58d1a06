/** The published .proto files, as another parser reads them, are what the generated code is made of. */
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Executions, file_tsumugi_jobs_v1_execution } from './generated/execution.generated.ts';
import { file_tsumugi_jobs_v1_job, Jobs } from './generated/job.generated.ts';
import { file_tsumugi_jobs_v1_task, Tasks } from './generated/task.generated.ts';
import { file_tsumugi_jobs_v1_template } from './generated/template.generated.ts';

const folder = fileURLToPath(new URL('../../../proto', import.meta.url));
const files = ['job', 'execution', 'task', 'template'].map((name) => `tsumugi/jobs/v1/${name}.proto`);
const loaded = loadSync(files, { includeDirs: [folder], keepCase: true });

interface Named {
  readonly name: string;
  readonly number: number;
}
interface EnumDescriptor {
  readonly name: string;
  readonly value: readonly Named[];
}
interface MessageDescriptor {
  readonly name: string;
  readonly field: readonly Named[];
  readonly nestedType: readonly MessageDescriptor[];
  readonly enumType: readonly EnumDescriptor[];
}

const typeOf = (definition: unknown): MessageDescriptor => (definition as { type: MessageDescriptor }).type;

/** By their whole names: what stands in a message, too. */
const parsedMessages = new Map<string, MessageDescriptor>();
const parsedEnums = new Map<string, EnumDescriptor>();
function collect(prefix: string, message: MessageDescriptor): void {
  const name = `${prefix}.${message.name}`;
  parsedMessages.set(name, message);
  for (const each of message.enumType) parsedEnums.set(`${name}.${each.name}`, each);
  for (const each of message.nestedType) collect(name, each);
}
for (const [name, definition] of Object.entries(loaded)) {
  const { format } = definition as { format?: string };
  if (format === 'Protocol Buffer 3 DescriptorProto') collect(name.slice(0, name.lastIndexOf('.')), typeOf(definition));
  if (format === 'Protocol Buffer 3 EnumDescriptorProto') parsedEnums.set(name, (definition as unknown as { type: EnumDescriptor }).type);
}

const numbered = (list: readonly Named[]): readonly (readonly [string, number])[] =>
  list.map(({ name, number }) => [name, number] as const).sort((a, b) => a[1] - b[1]);

test('the services have the same methods, with the same messages', () => {
  for (const description of [Jobs, Executions, Tasks]) {
    const service = loaded[description.typeName] as ServiceDefinition;
    expect(Object.keys(service)).toEqual(description.methods.map(({ name }) => name));
    for (const { name, input, output, methodKind } of description.methods) {
      const method = service[name];
      expect([method?.requestStream, method?.responseStream]).toEqual([false, methodKind === 'server_streaming']);
      expect(typeOf(method?.requestType)).toMatchObject({ name: input.name });
      expect(typeOf(method?.responseType)).toMatchObject({ name: output.name });
    }
  }
});

const generated = [file_tsumugi_jobs_v1_job, file_tsumugi_jobs_v1_execution, file_tsumugi_jobs_v1_task, file_tsumugi_jobs_v1_template];
const messages = generated.flatMap(({ messages: top }) => top.flatMap((each) => [each, ...each.nestedMessages]));

test.each(messages.map((message) => [message.typeName, message] as const))('%s has the same fields', (name, message) => {
  expect(numbered(message.fields)).toEqual(numbered(parsedMessages.get(name)?.field ?? []));
});

test('enums have the same values', () => {
  const enums = [...generated.flatMap((file) => file.enums), ...messages.flatMap((message) => message.nestedEnums)];
  expect(enums.length).toBeGreaterThan(4);
  for (const { typeName, values } of enums) expect(numbered(values), typeName).toEqual(numbered(parsedEnums.get(typeName)?.value ?? []));
});
