import { map2, minus, norm, plus, scaled, type Vector } from "./plain.ts";

/** A federation of quadratics F_i(x) = 0.5 * sum_j a_ij (x_j - b_ij)^2, all of whose gradients are exact. */
export interface Problem {
  /** Curvatures, [clients, d]. */
  readonly a: readonly Vector[];
  /** Minima, [clients, d]. */
  readonly b: readonly Vector[];
  /** Start, [d]. */
  readonly x0: Vector;
  /** eta */
  readonly learningRate: number;
  /** K */
  readonly localSteps: number;
  /** Clients of each round. All clients weigh the same. */
  readonly cohorts: readonly (readonly number[])[];
  /** wd; 0 unless set. */
  readonly weightDecay?: number;
  /** Shape of x where it is a matrix, [inputs, outputs], or a kernel, [out, in, height, width]. */
  readonly shape?: readonly number[];
  /** Every coordinate is a tensor of its own; those in no block are shared. `assignment`: the block each client sends. */
  readonly blocks?: {
    readonly coordinates: readonly (readonly number[])[];
    readonly assignment?: readonly (readonly number[])[];
  };
  /** Coordinates that clients keep to themselves. */
  readonly personal?: readonly number[];
  /** Updates are clipped at `clipNorm`; no noise. */
  readonly privacy?: { readonly clipNorm: number; readonly clipping?: "flat" | "per-layer" | "per-layer-by-size" };
  /** How the run compresses what goes up and down: what the options of the method say, from which oracles take it. */
  readonly compression?: object;
  readonly down?: object;
}

/**
 * Points with classes of several clients, under a hidden layer of relu and a linear head: x0 has dense1.bias [h],
 * dense1.weight [inputs, h], dense2.bias [C] and dense2.weight [h, C]. Each step takes all points of a client.
 */
export interface PointsProblem extends Pick<Problem, "x0" | "learningRate" | "localSteps" | "cohorts"> {
  readonly points: readonly Vector[];
  readonly labels: readonly number[];
  readonly owners: readonly number[];
  readonly classes: number;
  readonly hidden: number;
  /** Hidden layers of that width, 1 unless set: x0 then goes on with dense3.bias and so on. */
  readonly layers?: number;
  /**
   * Units k of adapters after the hidden layer: x0 then also has for each of them down.bias [k], down.weight [h, k],
   * up.bias [h] and up.weight [k, h]; the shared one before dense1.bias, a local one after it.
   */
  readonly bottleneck?: number;
}

/** Global parameters after every round, [rounds, d]. */
export type Oracle<P = Problem> = (problem: P, options: Options) => Vector[];

/** Options of a method as a trace lists them. Reading is recorded, so that none is overlooked. */
export class Options {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #read = new Set<string>();

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  number(name: string, otherwise?: number): number {
    const value = this.#take(name) ?? otherwise;
    if (typeof value !== "number") throw new Error(`the trace must set the number ${name}`);
    return value;
  }

  numbers(name: string): Vector {
    const value = this.#take(name);
    if (!Array.isArray(value)) throw new Error(`the trace must list the numbers ${name}`);
    return value.map(Number);
  }

  lists(name: string): string[][] {
    const value = this.#take(name);
    if (!Array.isArray(value)) throw new Error(`the trace must list the lists ${name}`);
    return value.map((list: unknown[]) => list.map(String));
  }

  text(name: string, otherwise: string): string {
    return String(this.#take(name) ?? otherwise);
  }

  flag(name: string, otherwise: boolean): boolean {
    return (this.#take(name) ?? otherwise) === true;
  }

  /** Names of options that no rule has looked at. */
  unread(): string[] {
    return Object.keys(this.#values).filter((name) => !this.#read.has(name));
  }

  #take(name: string): unknown {
    this.#read.add(name);
    return this.#values[name];
  }
}

/** grad F_i(y) */
export function gradient({ a, b }: Problem, client: number, y: Vector): Vector {
  return y.map((yj, j) => a[client]![j]! * (yj - b[client]![j]!));
}

/** x after every round, where `step` gives the next x from x, the cohort and the round (from 0). */
export function rounds(
  { x0, cohorts }: Problem,
  step: (x: Vector, cohort: readonly number[], round: number) => Vector,
): Vector[] {
  let x = x0;
  return cohorts.map((cohort, round) => {
    x = step(x, cohort, round);
    return x;
  });
}

/** K times y <- y - eta * (direction(y) + wd * y) from x; returns y - x. */
export function localUpdate(problem: Problem, x: Vector, direction: (y: Vector) => Vector): Vector {
  const { learningRate, localSteps, weightDecay = 0 } = problem;
  let y = x;
  for (let k = 0; k < localSteps; k++) y = plus(y, plus(direction(y), y, weightDecay), -learningRate);
  return minus(y, x);
}

/** The update of FedAvg's clients: `localUpdate` along the client's gradients. */
export function plainUpdate(problem: Problem, client: number, x: Vector): Vector {
  return localUpdate(problem, x, (y) => gradient(problem, client, y));
}

/** v * min(1, bound / |v|) */
export function clipped(v: Vector, bound: number): Vector {
  return scaled(v, Math.min(1, bound / norm(v)));
}

/** y + rho * g / |g|; adaptive: y + rho * y^2 * g / |y * g| */
export function perturbed(y: Vector, g: Vector, rho: number, adaptive = false): Vector {
  const length = norm(adaptive ? map2((yj, gj) => yj * gj, y, g) : g) + 1e-12;
  const along = adaptive ? map2((yj, gj) => yj * yj * gj, y, g) : g;
  return plus(y, along, rho / length);
}
