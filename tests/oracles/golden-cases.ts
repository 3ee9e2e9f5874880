/**
 * Derives the expected outputs of tests/fixtures/golden.json: operations whose inputs hold what a run would draw. Sources
 * are those of asynchronous.ts, decentralised.ts, participation.ts, preconditioned.ts and private.ts.
 */
import { asynchronousRun } from "./asynchronous.ts";
import { gossip, monna, topology } from "./decentralised.ts";
import { bristle, reputation } from "./esteem.ts";
import { modest } from "./modest.ts";
import { anchorsAndMiners, explored, guidedUpdate, type Roles, weightedByIntervals } from "./participation.ts";
import { mean, minus, plus, scaled, type Vector, zeros } from "./plain.ts";
import { preconditioned } from "./preconditioned.ts";
import { lamb, layerBounds } from "./private.ts";
import { clipped, gradient, Options, type Problem, plainUpdate, rounds } from "./problem.ts";
import { robustAggregate, treeOfAggregators } from "./robust.ts";
import { eachTensor, flat, places, shaped, type Tensors } from "./tensors.ts";

export interface GoldenCase {
  readonly id: string;
  readonly operation: string;
  /** Each operation has its own. */
  readonly input: never;
  readonly options?: never;
  readonly expected: unknown;
}

interface Noise {
  /** What is added to what a client receives and sends, [rounds, clients, d]. */
  readonly downNoise: readonly Vector[][];
  readonly upNoise: readonly Vector[][];
}

interface Diloco {
  readonly inner: {
    readonly learningRate: number;
    readonly betas: readonly number[];
    readonly [option: string]: unknown;
  };
  readonly H: number;
  readonly outerLearningRate: number;
  readonly outerMomentum: number;
}

function streamingDiloco({ steps, ...problem }: Problem & { steps: number }, options: Diloco): object {
  const { inner, H, outerLearningRate, outerMomentum } = options;
  const everyone = problem.a.map((_, i) => i);
  const federation: Problem = {
    ...problem,
    learningRate: inner.learningRate,
    weightDecay: Number(inner["weightDecay"]),
    localSteps: H,
    cohorts: Array.from({ length: steps / H }, () => everyone),
  };
  const after = preconditioned.diloco(
    federation,
    new Options({
      optimizer: inner["name"],
      beta1: inner.betas[0],
      beta2: inner.betas[1],
      epsilon: inner["epsilon"],
      mu: outerMomentum,
      serverLearningRate: outerLearningRate,
    }),
  );
  const events = after.map((parameters, round) => ({ step: (round + 1) * H, fragment: 0, parameters }));
  return { events, workers: everyone.map(() => after.at(-1)!) };
}

function fedau(problem: Problem, options: { cutoff?: number; serverLearningRate?: number }): object {
  return weightedByIntervals(problem, options.cutoff ?? Number.POSITIVE_INFINITY, options.serverLearningRate ?? 1);
}

/** The table starts with the gradients of all clients at x0. */
function fedamd(problem: Problem, roles: readonly Roles[], etaG: number): object {
  const table = problem.a.map((_, i) => gradient(problem, i, problem.x0));
  return { rounds: anchorsAndMiners(problem, roles, table, etaG) };
}

function fedamdTrace(
  problem: Problem & { anchors: readonly (readonly number[])[]; algorithm: { serverLearningRate: number } },
): object {
  const roles = problem.cohorts.map((cohort, round) => {
    const anchors = problem.anchors[round]!;
    return { anchors, miners: cohort.filter((i) => !anchors.includes(i)) };
  });
  return fedamd(problem, roles, problem.algorithm.serverLearningRate);
}

function fedlexGuidance({ start, explorers }: { start: Tensors; explorers: readonly Tensors[] }): object {
  const moved = explorers.map((explorer) => minus(flat(explorer), flat(start)));
  const guidance = places(start).flatMap((part) => explored(moved.map((d) => part.map((j) => d[j]!))));
  return { guidance: shaped(guidance, start) };
}

function fedlexTrace(
  problem: Problem & { algorithm: { explorers: readonly number[]; explorationSteps: number } },
): object {
  const { explorers, explorationSteps } = problem.algorithm;
  const exploration = { ...problem, localSteps: explorationSteps };
  const guidance = explored(explorers.map((i) => plainUpdate(exploration, i, problem.x0)));
  const trained = rounds(problem, (x, cohort) =>
    plus(x, mean(cohort.map((i) => guidedUpdate(problem, i, x, guidance)))),
  );
  return { rounds: trained, guidance };
}

/** x <- argmin f_i(x) - <grad f_i(x_i), x> + (rho / 2) |x - s|^2 in closed form; models start at that of s = 0, x_i = b. */
function rerce(problem: Problem & Noise, { rho, continual = false }: { rho: number; continual?: boolean }): object {
  const { a, b, cohorts, downNoise, upNoise } = problem;
  const solve = (i: number, own: Vector, s: Vector) =>
    own.map((x, j) => (a[i]![j]! * x + rho * s[j]!) / (a[i]![j]! + rho));
  const nothing = zeros(b[0]!.length);
  const models = b.map((minimum, i) => solve(i, minimum, nothing));
  const received: (Vector | undefined)[] = b.map(() => undefined);
  const table = models.map((x, i) => plus(scaled(x, 2), upNoise[0]![i]!));
  let [before, s] = [nothing, nothing];
  const means = cohorts.map((cohort, round) => {
    for (const i of models.keys()) {
      if (round === 0) continue;
      const chosen = cohort.includes(i);
      if (chosen) received[i] = plus(s, downNoise[round]![i]!);
      if (received[i] === undefined || (!chosen && !continual)) continue;
      const next = solve(i, models[i]!, received[i]!);
      if (chosen) table[i] = plus(minus(scaled(next, 2), models[i]!), upNoise[round]![i]!);
      models[i] = next;
    }
    const z = continual ? mean(table) : mean(cohort.map((i) => plus(models[i]!, upNoise[round]![i]!)));
    s = continual ? z : minus(scaled(z, 2), before);
    before = z;
    return z;
  });
  return { rounds: means, clients: models };
}

interface LambInput {
  readonly parameters: Tensors;
  readonly means: readonly Tensors[];
  readonly serverLearningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly adaptivity: number;
  readonly weightDecay: number;
}

function lambSteps(input: LambInput): object {
  const { parameters, means, serverLearningRate: eta, beta1: b1, beta2: b2, adaptivity: tau } = input;
  let x = flat(parameters);
  const step = lamb({ eta, b1, b2, tau, lambda: input.weightDecay }, places(parameters), x.length);
  return {
    rounds: means.map((update) => {
      x = step(x, flat(update));
      return shaped(x, parameters);
    }),
  };
}

function perLayerClip({ updates, clipNorm }: { updates: readonly Tensors[]; clipNorm: number }): object {
  const like = updates[0]!;
  const sizes = places(like).map((part) => part.length);
  const forms = Object.entries({ perLayer: "per-layer", bySize: "per-layer-by-size" }).map(([name, clipping]) => {
    const shares = layerBounds(sizes, clipNorm, clipping);
    const bounds = Object.fromEntries(Object.keys(like).map((tensor, l) => [tensor, shares[l]!]));
    const bounded = updates.map((update) => eachTensor(flat(update), like, (part, l) => clipped(part, shares[l]!)));
    return { name, bounds, mean: shaped(mean(bounded), like) };
  });
  return {
    bounds: Object.fromEntries(forms.map(({ name, bounds }) => [name, bounds])),
    mean: Object.fromEntries(forms.map((form) => [form.name, form.mean])),
  };
}

const operations: Readonly<Record<string, (input: never, options: never) => object>> = {
  "trace.streamingDiloco": streamingDiloco,
  aggregate: robustAggregate,
  tree: treeOfAggregators,
  fedau,
  fedamd: (problem: Problem & { roles: readonly Roles[] }, { serverLearningRate }: { serverLearningRate: number }) =>
    fedamd(problem, problem.roles, serverLearningRate),
  "trace/fedamd": fedamdTrace,
  "fedlex/guidance": fedlexGuidance,
  "trace/fedlex": fedlexTrace,
  rerce,
  "dp/lamb": lambSteps,
  "dp/per-layer-clip": perLayerClip,
  async: asynchronousRun,
  topology,
  gossip,
  monna,
  "trace/modest": modest,
  bristle,
  reputation,
};

/** The output of a case. Throws where no oracle derives its operation. */
export function deriveCase({ operation, input, options }: GoldenCase): object {
  const derived = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
  if (derived === undefined) throw new Error(`tests/oracles/golden-cases.ts has no program for ${operation}`);
  return derived(input, options as never);
}
