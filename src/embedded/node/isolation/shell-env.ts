export const shellQuote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Variables as shell text: `exports` sets those that a shell can have, `exec` goes before the command and brings the rest. */
export function shellEnv(env: Readonly<Record<string, string>>): { readonly exports: string; readonly exec: string } {
  const isShellName = ([name]: readonly [string, string]): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
  const entries = Object.entries(env);
  const exports = entries.filter(isShellName).map(([name, value]) => `export ${name}=${shellQuote(value)}`);
  // Kubernetes allows names that no shell knows.
  const odd = entries.filter((entry) => !isShellName(entry)).map(([name, value]) => shellQuote(`${name}=${value}`));
  return { exports: exports.join('\n'), exec: odd.length > 0 ? ['exec env', ...odd].join(' ') : 'exec' };
}
