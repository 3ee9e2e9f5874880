/**
 * Robust rules in plain code, from the papers: arrays that are sorted and subsets that are tried one by one. Sources: Yin et
 * al. 2018 (median, trimmed mean), Xie et al. 2018 (MeaMed, Phocas), Blanchard et al. 2017 (Krum), El Mhamdi et al. 2018
 * (Bulyan, minimum diameter), Pillutla et al. 2022 (RFA), Karimireddy et al. 2021 and 2022 (centred clipping, bucketing),
 * Cao et al. 2021 (FLTrust), Allouah et al. 2023 and 2025 (NNM, ARC); Qi et al. 2024 (trees of aggregators).
 */
import { mean, minus, norm, plus, scaled, type Vector, zeros } from "./plain.ts";

interface Input {
  readonly vectors: readonly (readonly (number | string)[])[];
  readonly weights?: readonly number[];
  readonly previous?: Vector;
  readonly root?: Vector;
}

/** Options of rules and stages, by the names of the cases. */
interface Rule {
  readonly name: string;
  readonly f?: number;
  readonly ratio?: number;
  readonly m?: number;
  readonly neighbours?: number;
  readonly mode?: string;
  readonly iterations?: number;
  readonly smoothing?: number;
  readonly tolerance?: number;
  readonly radius?: number;
  readonly norm?: number;
  readonly size?: number;
  readonly permutation?: readonly number[];
  readonly before?: readonly Rule[];
}

const gap = (a: Vector, b: Vector) => minus(a, b).reduce((sum, d) => sum + d * d, 0);
const byKey = (count: number, key: (i: number) => number) =>
  Array.from({ length: count }, (_, i) => i).sort((a, b) => key(a) - key(b) || a - b);
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

export function robustAggregate({ vectors, weights, previous, root }: Input, rule: Rule): object {
  const numbers = vectors.map((vector) => vector.map(Number));
  const dropped = numbers.flatMap((vector, i) => (vector.every(Number.isFinite) ? [] : [i]));
  const kept = numbers.filter((_, i) => !dropped.includes(i));
  const fewer = (part: Rule): Rule =>
    part.f === undefined ? part : { ...part, f: Math.max(0, part.f - dropped.length) };
  let set = kept;
  for (const stage of rule.before ?? []) set = staged(set, fewer(stage));
  const result = applied(set, fewer(rule), weights ?? set.map(() => 1), previous, root);
  return dropped.length === 0 ? result : { dropped, ...result };
}

function staged(x: Vector[], stage: Rule): Vector[] {
  if (stage.name === "nnm")
    return x.map((own) =>
      mean(
        byKey(x.length, (j) => gap(own, x[j]!))
          .slice(0, x.length - stage.f!)
          .map((j) => x[j]!),
      ),
    );
  if (stage.name === "bucketing") {
    const order = stage.permutation!.map((i) => x[i]!);
    const starts = Array.from({ length: Math.ceil(x.length / stage.size!) }, (_, k) => k * stage.size!);
    return starts.map((start) => mean(order.slice(start, start + stage.size!)));
  }
  const norms = x.map(norm).sort((a, b) => b - a);
  const bound = stage.norm ?? norms[Math.floor(((2 * stage.f!) / x.length) * (x.length - stage.f!))]!;
  return x.map((own) => clipped(own, bound));
}

function clipped(x: Vector, bound: number): Vector {
  return norm(x) <= bound ? x : scaled(x, bound / norm(x));
}

function weighted(x: readonly Vector[], weights: readonly number[]): Vector {
  const total = x.reduce((all, vector, i) => plus(all, vector, weights[i]!), zeros(x[0]!.length));
  return scaled(total, 1 / sum(weights));
}

function applied(x: Vector[], rule: Rule, weights: readonly number[], previous?: Vector, root?: Vector): object {
  const { name, f = 0 } = rule;
  const n = x.length;
  const byColumn = (of: (column: number[]) => number) => x[0]!.map((_, j) => of(x.map((vector) => vector[j]!)));
  const trim = rule.ratio === undefined ? f : Math.floor(rule.ratio * n);
  if (name === "mean") return { aggregate: weighted(x, weights) };
  if (name === "norm-bound") return { aggregate: weighted(staged(x, rule), weights) };
  if (name === "median") return { aggregate: byColumn(middle) };
  if (name === "trimmed-mean") return { aggregate: byColumn((column) => trimmed(column, trim)) };
  if (name === "meamed") return { aggregate: byColumn((column) => nearest(column, middle(column), n - f)) };
  if (name === "phocas") return { aggregate: byColumn((column) => nearest(column, trimmed(column, f), n - f)) };
  if (name === "krum" || name === "multi-krum") return chosen(x, rule);
  if (name === "bulyan") {
    const selected = repeatedly(x, f, n - 2 * f);
    const columns = x[0]!.map((_, j) => selected.map((i) => x[i]![j]!));
    return { selected, aggregate: columns.map((column) => nearest(column, middle(column), n - 4 * f)) };
  }
  if (name === "minimum-diameter") return smallest(x, n - f);
  if (name === "geometric-median") return { aggregate: weiszfeld(x, weights, rule) };
  if (name === "centred-clipping") {
    let v = previous ?? zeros(x[0]!.length);
    for (let l = 0; l < (rule.iterations ?? 1); l++)
      v = plus(v, mean(x.map((xi) => clipped(minus(xi, v), rule.radius!))));
    return { aggregate: v };
  }
  const g = root!;
  const trust = x.map((xi) => Math.max(0, sum(xi.map((value, j) => value * g[j]!)) / (norm(xi) * norm(g))));
  return {
    trust,
    aggregate: weighted(
      x.map((xi) => scaled(xi, norm(g) / norm(xi))),
      trust,
    ),
  };
}

const sorted = (column: readonly number[]) => [...column].sort((a, b) => a - b);

function middle(column: readonly number[]): number {
  const values = sorted(column);
  return (values[(values.length - 1) >> 1]! + values[values.length >> 1]!) / 2;
}

function trimmed(column: readonly number[], f: number): number {
  const values = sorted(column).slice(f, column.length - f);
  return sum(values) / values.length;
}

function nearest(column: readonly number[], centre: number, keep: number): number {
  return (
    sum(
      byKey(column.length, (i) => Math.abs(column[i]! - centre))
        .slice(0, keep)
        .map((i) => column[i]!),
    ) / keep
  );
}

function scoresOf(x: readonly Vector[], among: readonly number[], neighbours: number): number[] {
  return among.map((i) => {
    const others = sorted(among.filter((j) => j !== i).map((j) => gap(x[i]!, x[j]!)));
    return sum(others.slice(0, Math.max(1, neighbours)));
  });
}

function repeatedly(x: readonly Vector[], f: number, times: number): number[] {
  const left = x.map((_, i) => i);
  return Array.from({ length: times }, () => {
    const scores = scoresOf(x, left, left.length - f - 2);
    return left.splice(byKey(left.length, (i) => scores[i]!)[0]!, 1)[0]!;
  });
}

function chosen(x: readonly Vector[], { name, f = 0, m, neighbours, mode }: Rule): object {
  const n = x.length;
  const meanAt = (selected: readonly number[]) => mean(selected.map((i) => x[i]!));
  if (mode === "iterative") {
    const selected = repeatedly(x, f, n - 2 * f - 2);
    return { selected, aggregate: meanAt(selected) };
  }
  const scores = scoresOf(x, [...x.keys()], neighbours ?? n - f - 2);
  const selected = byKey(n, (i) => scores[i]!).slice(0, name === "krum" ? 1 : (m ?? n - f - 2));
  return { scores, selected, aggregate: meanAt(selected) };
}

function smallest(x: readonly Vector[], size: number): object {
  let best: { diameter: number; selected: number[] } = { diameter: Number.POSITIVE_INFINITY, selected: [] };
  const visit = (selected: number[], from: number): void => {
    if (selected.length === size) {
      const diameter = Math.max(0, ...selected.flatMap((i) => selected.map((j) => gap(x[i]!, x[j]!))));
      if (diameter < best.diameter) best = { diameter, selected };
      return;
    }
    for (let i = from; i < x.length; i++) visit([...selected, i], i + 1);
  };
  visit([], 0);
  return { selected: best.selected, aggregate: mean(best.selected.map((i) => x[i]!)) };
}

function weiszfeld(x: readonly Vector[], weights: readonly number[], rule: Rule): Vector {
  const alpha = weights.map((weight) => weight / sum(weights));
  const objective = (v: Vector) => sum(alpha.map((share, i) => share * norm(minus(v, x[i]!))));
  let v = weighted(x, alpha);
  for (let r = 0; r < rule.iterations!; r++) {
    const before = objective(v);
    v = weighted(
      x,
      alpha.map((share, i) => share / Math.max(rule.smoothing!, norm(minus(v, x[i]!)))),
    );
    if (rule.tolerance !== undefined && Math.abs(objective(v) - before) < rule.tolerance * before) break;
  }
  return v;
}

interface Tree extends ReadonlyArray<Tree | number> {}

/** The flat mean, and an edge for each child of each list. */
export function treeOfAggregators(input: { updates: Vector[]; weights: number[]; tree: Tree }): object {
  const edges = (node: Tree | number): number =>
    typeof node === "number" ? 0 : sum(node.map((child) => 1 + edges(child)));
  const leaves = (node: Tree | number): number[] => (typeof node === "number" ? [node] : node.flatMap(leaves));
  const used = leaves(input.tree);
  const weights = used.map((i) => input.weights[i]!);
  const aggregate = weighted(
    used.map((i) => input.updates[i]!),
    weights,
  );
  return { aggregate, weight: sum(weights), messages: edges(input.tree) };
}
