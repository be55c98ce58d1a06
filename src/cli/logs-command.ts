/** The command that shows the log of a function. */
export function logsCommand(name: string, namespace: string): string {
  return `tsumugi logs ${name}${namespace === 'default' ? '' : ` -n ${namespace}`}`;
}
