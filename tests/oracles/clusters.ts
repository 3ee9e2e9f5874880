/**
 * A model for each cluster of clients; x is that of the largest one, of equally large ones that with the lowest client.
 *
 * ifca: A. Ghosh et al., NeurIPS 2020, arXiv:2006.04088. ocfl: M. Zuziak et al., IEEE BigData 2024, arXiv:2503.04231.
 * adaptive-clusters: Y. Yeganeh et al., 2022, arXiv:2207.03448, as METHODS.md fills in what the abstract leaves open.
 */
import { mean, norm, plus, type Vector } from "./plain.ts";
import { type Oracle, type Problem, plainUpdate } from "./problem.ts";

/** All models start alike, so only clients that fare better at the start than at model 0 ever leave it. */
const ifca: Oracle = (problem, options) => {
  const { a, b, x0, cohorts } = problem;
  const etaG = options.number("serverLearningRate", 1);
  const models = Array.from({ length: options.number("clusters") }, () => x0);
  const cluster = a.map(() => 0);
  const loss = (i: number, w: Vector) => w.reduce((sum, wj, j) => sum + a[i]![j]! * (wj - b[i]![j]!) ** 2, 0);
  return cohorts.map((cohort) => {
    for (const i of cohort) {
      const losses = models.map((w) => loss(i, w));
      cluster[i] = losses.indexOf(Math.min(...losses));
    }
    for (const [k, w] of [...models.entries()]) {
      const chose = cohort.filter((i) => cluster[i] === k);
      if (chose.length > 0) models[k] = plus(w, mean(chose.map((i) => plainUpdate(problem, i, w))), etaG);
    }
    const sizes = models.map((_, k) => cluster.filter((label) => label === k).length);
    return models[sizes.indexOf(Math.max(...sizes))]!;
  });
};

/** 1 - cos, between all updates. */
function distances(updates: readonly Vector[]): number[][] {
  const cosine = (x: Vector, y: Vector) => x.reduce((sum, xj, j) => sum + xj * y[j]!, 0) / norm(x) / norm(y);
  return updates.map((x, i) => updates.map((y, j) => (i === j ? 0 : 1 - cosine(x, y))));
}

type Groups = readonly (readonly number[])[];

/** Mean distance over pairs with one in each of the groups. */
function between(d: readonly Vector[], first: readonly number[], second: readonly number[]): number {
  const all = first.flatMap((i) => second.map((j) => d[i]![j]!));
  return all.reduce((sum, value) => sum + value, 0) / all.length;
}

/** The two closest groups become one, until `count` are left: average linkage, by its definition. */
function linked(d: readonly Vector[], items: readonly number[], count: number): Groups {
  let groups: Groups = items.map((i) => [i]);
  while (groups.length > count) {
    const pairs = groups.flatMap((first, p) => groups.slice(p + 1).map((second) => [first, second] as const));
    const heights = pairs.map(([first, second]) => between(d, first, second));
    const [first, second] = pairs[heights.indexOf(Math.min(...heights))]!;
    groups = [...groups.filter((group) => group !== first && group !== second), [...first, ...second]];
  }
  return groups;
}

/** Everyone trains the model of its cluster; `divide` says the clusters of a round before they average. */
function federations(
  problem: Problem,
  divide: (groups: Groups, d: readonly Vector[], round: number) => Groups,
  step: (round: number) => number,
): Vector[] {
  let groups: Groups = [problem.a.map((_, i) => i)];
  const model: Vector[] = problem.a.map(() => problem.x0);
  return problem.cohorts.map((_, round) => {
    const updates = model.map((w, i) => plainUpdate(problem, i, w));
    groups = divide(groups, distances(updates), round);
    for (const group of groups) {
      const start = model[Math.min(...group)]!;
      const next = plus(start, mean(group.map((i) => updates[i]!)), step(round));
      for (const i of group) model[i] = next;
    }
    const size = Math.max(...groups.map((group) => group.length));
    const lowest = groups.filter((group) => group.length === size).map((group) => Math.min(...group));
    return model[Math.min(...lowest)]!;
  });
}

/** T = |D|_F / sqrt(4 n (n - 1)); once it rises, clusters are found and stay. */
const ocfl: Oracle = (problem, options) => {
  const k = options.number("clusters");
  const n = problem.a.length;
  let last = Number.POSITIVE_INFINITY;
  let hasFired = false;
  const divide = (groups: Groups, d: readonly Vector[]) => {
    if (hasFired) return groups;
    const temperature = norm(d.flat()) / Math.sqrt(4 * n * (n - 1));
    hasFired = temperature > last;
    last = temperature;
    return hasFired ? linked(d, groups.flat(), k) : groups;
  };
  return federations(problem, divide, () => 1);
};

/** Mean distance over the pairs inside groups; 0 where there are none. */
function inside(d: readonly Vector[], groups: Groups): number {
  const all = groups.flatMap((group) => group.flatMap((i) => group.filter((j) => j > i).map((j) => d[i]![j]!)));
  return all.length === 0 ? 0 : all.reduce((sum, value) => sum + value, 0) / all.length;
}

const adaptiveClusters: Oracle = (problem, options) => {
  const [warmup, every] = [options.number("warmup"), options.number("every")];
  const [distance, fewest] = [options.number("distance"), options.number("minimumClients")];
  const T = options.number("reptileRounds", 0);
  const divide = (groups: Groups, d: readonly Vector[], round: number) => {
    if (round < warmup || (round - warmup) % every > 0) return groups;
    return groups.flatMap((group) => {
      if (group.length < 2) return [group];
      const halves = linked(d, group, 2);
      const isFar = between(d, halves[0]!, halves[1]!) > distance;
      const isLarge = halves.every((half) => half.length >= fewest);
      return isFar && isLarge && inside(d, halves) <= 0.9 * inside(d, [group]) ? halves : [group];
    });
  };
  return federations(problem, divide, (round) => (T === 0 ? 1 : 1 - (0.9 * Math.min(round, T - 1)) / (T - 1)));
};

export const clusters = { ifca, ocfl, "adaptive-clusters": adaptiveClusters };
