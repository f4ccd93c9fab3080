/** @file A command as a person types it again, to go on. */

/** @param options by their names; what is undefined or false is left out, true stands alone, a list is one option for each of it */
export function commandLine(
  command: string,
  options: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>,
): string {
  const given = Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined || value === false) return [];
    if (value === true) return [name];
    return [value].flat().flatMap((one) => [name, quoted(String(one))]);
  });
  return [command, ...given].join(" ");
}

/** In quotes where a shell would read something else. */
export function quoted(word: string): string {
  return /^[\w./:,=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
