import { AnabranchError } from "../errors.ts";

/** A leaf or a record of trees. Leaves are always listed in sorted path order, never in insertion order. */
export type Tree<T> = T | { readonly [name: string]: Tree<T> };

/** The same tree with other leaves. */
export type MapTree<I, L, R> = I extends L ? R : { [K in keyof I]: MapTree<I[K], L, R> };

type IsLeaf<T> = (value: Tree<T>) => value is T;

/** Leaves with their paths ("a/b"), sorted by path segments. */
export function flattenTree<T>(tree: Tree<T>, isLeaf: IsLeaf<T>, path = ""): { path: string; leaf: T }[] {
  if (isLeaf(tree)) return [{ path, leaf: tree }];
  const record = tree as { readonly [name: string]: Tree<T> };
  return Object.keys(record)
    .sort()
    .flatMap((name) => flattenTree(record[name]!, isLeaf, path === "" ? name : `${path}/${name}`));
}

/** Rebuilds a tree of the same structure. */
export function mapTree<T, R>(tree: Tree<T>, isLeaf: IsLeaf<T>, fn: (leaf: T, path: string) => R, path = ""): Tree<R> {
  if (isLeaf(tree)) return fn(tree, path);
  const record = tree as { readonly [name: string]: Tree<T> };
  const out: Record<string, Tree<R>> = {};
  for (const name of Object.keys(record).sort()) {
    out[name] = mapTree(record[name]!, isLeaf, fn, path === "" ? name : `${path}/${name}`);
  }
  return out;
}

/** Refuses trees whose structures differ: leaves are never combined by position. */
export function requireSamePaths(a: readonly { path: string }[], b: readonly { path: string }[], where: string): void {
  const mismatch = a.length !== b.length || a.some((x, i) => x.path !== b[i]!.path);
  if (!mismatch) return;
  throw new AnabranchError({
    code: "engine/structure",
    message: "two trees differ in structure",
    where,
    received: b.map((x) => x.path || "(leaf)").join(", "),
    expected: a.map((x) => x.path || "(leaf)").join(", "),
    advice: "Give both trees the same names.",
  });
}
