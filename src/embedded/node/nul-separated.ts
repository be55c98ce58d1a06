/** Fields of a text for another program. @throws Error where one of them would be taken for several. */
export function nulSeparated(fields: readonly string[]): string {
  const bad = fields.find((field) => field.includes('\0'));
  if (bad !== undefined) throw new Error(`${JSON.stringify(bad)} has a NUL character in it, which no program can be given`);
  return fields.join('\0');
}
