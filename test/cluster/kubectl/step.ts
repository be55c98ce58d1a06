import { type Kubectl, normalised } from '../../e2e/kubectl.ts';

/** One command of a script, or a file that the next ones read. */
export interface Step {
  readonly args: readonly string[];
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Instead of a command: path -> content, in the folder where the commands run. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Commands in order; the namespace is theirs alone, and they leave nothing outside of it. */
export type Chapter = (namespace: string) => readonly Step[];

/** Words as a shell would part them; `'…'` stays together. */
export const step = (line: string, input?: string): Step => ({
  args: line.match(/(?:'[^']*'|[^\s'])+/g)?.map((word) => word.replaceAll("'", '')) ?? [],
  ...(input !== undefined && { input }),
});

export const within =
  (namespace: string) =>
  (line: string, input?: string): Step =>
    step(`${line} -n ${namespace}`, input);

export const files = (files: Readonly<Record<string, string>>): Step => ({ args: [], files });

/** `kubectl edit` and the like with this shell command as editor; the file's path follows it. */
export const edited = (at: Step, editor: string): Step => ({ ...at, env: { KUBE_EDITOR: editor } });

/** A chapter in a namespace of its own, which it makes and removes. */
export const inNamespace =
  (steps: Chapter): Chapter =>
  (namespace) => [step(`create namespace ${namespace}`), ...steps(namespace), step(`delete namespace ${namespace}`)];

/** What kubectl said to each step, normalised, as `$ kubectl …` followed by its output and exit code. */
export async function transcript(kubectl: Kubectl, chapter: Chapter, namespace: string): Promise<readonly string[]> {
  const said: string[] = [];
  for (const { args, input, env, files: written } of chapter(namespace)) {
    if (written) {
      kubectl.write(written);
      continue;
    }
    const { code, stdout, stderr } = await kubectl.run(args, input, env);
    const text = kubectl.withoutPlaces(`$ kubectl ${args.join(' ')}\n${stdout}${stderr}`).replaceAll(namespace, 'NAMESPACE');
    said.push(normalised(text) + (code === 0 ? '' : `[${code}]\n`));
  }
  return said;
}
