/** The line (1-based) on which a key of a TOML text is set, or that of the nearest table above it; undefined if neither. */
export function lineOf(text: string, path: readonly string[]): number | undefined {
  const lines = text.split(/\r?\n/);
  let table: string[] = [];
  let header: number | undefined;
  for (const [index, line] of lines.entries()) {
    const bracket = /^\s*\[\s*([^[\]]+?)\s*\]/.exec(line);
    if (bracket !== null) {
      table = keysOf(bracket[1]!);
      if (startsWith(path, table)) header = index + 1;
      continue;
    }
    const assignment = /^\s*([\w."'\s-]+?)\s*=/.exec(line);
    if (assignment === null) continue;
    const here = [...table, ...keysOf(assignment[1]!)];
    // An inline table sets all keys below it on its own line.
    if (startsWith(path, here)) return index + 1;
  }
  return header;
}

function keysOf(dotted: string): string[] {
  return dotted.split(".").map((key) => key.trim().replace(/^["']|["']$/g, ""));
}

function startsWith(path: readonly string[], prefix: readonly string[]): boolean {
  return prefix.length <= path.length && prefix.every((key, i) => key === path[i]);
}
