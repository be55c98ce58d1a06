/** From a file's name to a function's name. */
import { TsumugiError } from '../base/errors.ts';

/** `helloWorld`, `hello_world`, `HelloWorld` -> `hello-world` */
export function kebabCase(text: string): string {
  return text
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1-$2')
    .replace(/[_.\s-]+/g, '-')
    .toLowerCase();
}

/** `helloWorld.ts`, `hello_world.ts`, `HelloWorld.ts` -> `hello-world`. Throws Invalid where that is no DNS label of at most 40 characters. */
export function functionName(base: string): string {
  const name = kebabCase(base.replace(/\.[cm]?[jt]s$/, ''));
  if (!/^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(name) || name.length > 40) {
    throw new TsumugiError('Invalid', `"${base}" gives the function name "${name}", which is not possible`, {
      hint: 'a name has at most 40 of a-z, 0-9 and -, and starts with a letter; rename the file or use --name',
    });
  }
  return name;
}
