/**
 * Updates on stale models.
 *
 * fedasync: C. Xie et al., 2019, arXiv:1903.03934. fedbuff: J. Nguyen et al., AISTATS 2022, arXiv:2106.06639. fedfix and
 * async-fedavg: Y. Fraboni et al., JMLR 2023, arXiv:2206.10189. fedcompass: Z. Li et al., ICLR 2024, arXiv:2309.14675. In rounds
 * of a cohort nothing is stale; with a clock every client trains all the time, and is given the newest model when it is
 * done, after all arrivals of that instant.
 */
import { mean, minus, plus, type Vector, zeros } from "./plain.ts";
import { gradient, localUpdate, type Oracle, type Problem, plainUpdate, rounds } from "./problem.ts";

const fedasync: Oracle = (problem, options) => {
  const [alpha, rho] = [options.number("alpha"), options.number("rho")];
  return rounds(problem, (x, cohort) => plus(x, mean(cohort.map((i) => towards(problem, rho, i, x))), alpha));
};

const fedbuff: Oracle = (problem, options) => {
  const [beta, eta] = [options.number("beta"), options.number("serverLearningRate", 1)];
  let v = zeros(problem.x0.length);
  return rounds(problem, (x, cohort) => {
    v = plus(mean(cohort.map((i) => plainUpdate(problem, i, x))), v, beta);
    return plus(x, v, eta);
  });
};

/** x <- x + (eta_g / n) sum_i D_i: n clients in all, whoever takes part. */
function added(step: (options: Parameters<Oracle>[1]) => number): Oracle {
  return (problem, options) => {
    const share = step(options) / problem.a.length;
    return rounds(problem, (x, cohort) => cohort.reduce((next, i) => plus(next, plainUpdate(problem, i, x), share), x));
  };
}

/** y <- y - eta (g_i(y) + rho (y - x)) */
function towards(problem: Problem, rho: number, i: number, x: Vector): Vector {
  return localUpdate(problem, x, (y) => plus(gradient(problem, i, y), minus(y, x), rho));
}

interface Staleness {
  readonly name: string;
  readonly a?: number;
  readonly b?: number;
}

function weight({ name, a = 0.5, b = 4 }: Staleness, u: number): number {
  if (name === "polynomial") return 1 / (u + 1) ** a;
  if (name === "hinge") return u > b ? 1 / (1 + a * (u - b)) : 1;
  if (name === "linear") return 1 / (1 + a * u);
  return name === "exponential" ? 1 / Math.exp(a * u) : 1;
}

export interface AsyncInput extends Problem {
  readonly arrivals?: readonly { readonly client: number; readonly version: number }[];
  readonly clock?: { readonly durations: readonly (number | readonly number[])[]; readonly serverSteps: number };
}

export interface AsyncOptions {
  readonly name: "fedasync" | "fedbuff";
  readonly staleness?: Staleness;
  readonly maxStaleness?: number;
  readonly alpha?: number;
  readonly rho?: number;
  readonly bufferSize?: number;
  readonly serverLearningRate?: number;
  readonly serverMomentum?: number;
}

/** All versions of the model are kept; arrivals are taken one by one. */
class Server {
  readonly versions: Vector[];
  readonly staleness: number[][] = [];
  readonly #problem: Problem;
  readonly #options: AsyncOptions;
  #buffer: Vector[] = [];
  #buffered: number[] = [];
  #v: Vector;

  constructor(problem: Problem, options: AsyncOptions) {
    this.#problem = problem;
    this.#options = options;
    this.versions = [problem.x0];
    this.#v = zeros(problem.x0.length);
  }

  get version(): number {
    return this.versions.length - 1;
  }

  /** Whether the server has taken a step. */
  arrive(i: number, version: number): boolean {
    const { name, staleness = { name: "polynomial" }, maxStaleness = Number.POSITIVE_INFINITY } = this.#options;
    const u = this.version - version;
    if (u > maxStaleness) return false;
    const s = weight(staleness, u);
    const [from, x] = [this.versions[version]!, this.versions.at(-1)!];
    if (name === "fedasync") {
      const { alpha = 0, rho = 0 } = this.#options;
      const y = plus(from, towards(this.#problem, rho, i, from));
      this.versions.push(plus(x, minus(y, x), alpha * s));
      this.staleness.push([u]);
      return true;
    }
    const { bufferSize = 1, serverLearningRate = 1, serverMomentum = 0 } = this.#options;
    this.#buffer.push(plainUpdate(this.#problem, i, from).map((d) => s * d));
    this.#buffered.push(u);
    if (this.#buffer.length < bufferSize) return false;
    this.#v = plus(mean(this.#buffer), this.#v, serverMomentum);
    this.versions.push(plus(x, this.#v, serverLearningRate));
    this.staleness.push(this.#buffered);
    [this.#buffer, this.#buffered] = [[], []];
    return true;
  }
}

export function asynchronousRun({ arrivals, clock, ...problem }: AsyncInput, options: AsyncOptions): object {
  const server = new Server(problem, options);
  if (clock === undefined) {
    for (const { client, version } of arrivals!) server.arrive(client, version);
    return { rounds: server.versions.slice(1), staleness: server.staleness };
  }
  const { durations, serverSteps } = clock;
  const took = durations.map(() => 0);
  const duration = (i: number) => {
    const own = durations[i]!;
    return typeof own === "number" ? own : own[took[i]!++ % own.length]!;
  };
  let working = problem.a.map((_, i) => ({ i, version: 0, at: duration(i) }));
  const [times, events]: [number[], object[]] = [[], []];
  while (server.version < serverSteps) {
    const now = Math.min(...working.map(({ at }) => at));
    const back = working.filter(({ at }) => at === now);
    working = working.filter(({ at }) => at !== now);
    for (const { i, version } of back) {
      if (server.version === serverSteps) break;
      events.push({ time: now, client: i, baseVersion: version, staleness: server.version - version });
      if (server.arrive(i, version)) times.push(now);
    }
    for (const { i } of back) working.push({ i, version: server.version, at: now + duration(i) });
  }
  return { rounds: server.versions.slice(1), staleness: server.staleness, times, events };
}

export const asynchronous = {
  fedasync,
  fedbuff,
  fedfix: added((options) => options.number("serverLearningRate", 1)),
  "async-fedavg": added((options) => options.number("serverLearningRate", 1)),
  fedcompass: added((options) => options.number("alpha", 0.9)),
};
