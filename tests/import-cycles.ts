import { resolveImport, type SourceFile } from "./source-files.ts";

/**
 * Groups of files that import each other, directly or through others, type imports included: the strongly connected
 * components of more than one file, by Tarjan's algorithm. Paths ascend.
 */
export function importCycles(files: readonly SourceFile[]): string[][] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const number = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const cycles: string[][] = [];
  const visit = (path: string): void => {
    number.set(path, number.size);
    lowest.set(path, number.get(path)!);
    open.push(path);
    for (const target of relativeImports(byPath.get(path)!).filter((other) => byPath.has(other))) {
      if (!number.has(target)) visit(target);
      if (open.includes(target)) lowest.set(path, Math.min(lowest.get(path)!, lowest.get(target)!));
    }
    if (lowest.get(path) !== number.get(path)) return;
    const group = open.splice(open.indexOf(path));
    if (group.length > 1) cycles.push(group.sort());
  };
  for (const { path } of files) if (!number.has(path)) visit(path);
  return cycles.sort();
}

function relativeImports({ path, imports }: SourceFile): string[] {
  return imports.flatMap(({ specifier }) => (specifier.startsWith(".") ? [resolveImport(path, specifier)] : []));
}
