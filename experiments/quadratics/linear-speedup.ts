/**
 * Linear speedup: how the squared gradient norm depends on the cohort S and the local steps K where gradient noise
 * dominates. 64 clients with noisy quadratics run through the round loop as in any run.
 * `node experiments/quadratics/linear-speedup.ts` prints the tables of the README.
 */
import { createAlgorithm, type Quadratics, randomStream, rootKey, traceFederation } from "@anabranch/core";

const CLIENTS = 64;
const ROWS = 32;
const D = 16;

export interface Setting {
  readonly algorithm: { readonly name: string } & Readonly<Record<string, unknown>>;
  readonly learningRate: number;
  /** S */
  readonly cohort: number;
  /** K */
  readonly localSteps: number;
  /** Standard deviation of the clients' minima; that of the rows of a client about its minimum is 1. */
  readonly heterogeneity: number;
  readonly rounds: number;
  readonly seed: number;
}

/** Rows a (x - b)^2 / 2 with curvatures of 0.5 to 2 that differ between clients. */
function problemOf({ learningRate, cohort, localSteps, heterogeneity, rounds, seed }: Setting): Quadratics {
  const stream = randomStream(rootKey(seed));
  const vector = (draw: () => number) => Array.from({ length: D }, draw);
  const clients = Array.from({ length: CLIENTS }, () => ({
    a: vector(() => 0.5 * 4 ** stream.float()),
    b: vector(() => heterogeneity * stream.normal()),
  }));
  const owners = clients.flatMap((_, i) => new Array<number>(ROWS).fill(i));
  const a = owners.map((i) => clients[i]!.a);
  const b = owners.map((i) => clients[i]!.b.map((value) => value + stream.normal()));
  const members = () => {
    const left = Array.from({ length: CLIENTS }, (_, i) => i);
    return Array.from({ length: cohort }, () => left.splice(stream.below(left.length), 1)[0]!).sort((i, j) => i - j);
  };
  const cohorts = Array.from({ length: rounds }, members);
  return { a, b, owners, x0: new Array<number>(D).fill(0), learningRate, localSteps, cohorts, shape: [4, 4] };
}

/** Mean of |grad F(x)|^2 over the second half of the rounds. */
export async function squaredGradient(setting: Setting): Promise<number> {
  const problem = problemOf(setting);
  const { name, ...options } = setting.algorithm;
  const { rounds } = await traceFederation(createAlgorithm(name, options), problem);
  const late = rounds.slice(rounds.length / 2);
  const total = late.reduce((sum, x) => sum + normAt(problem, x), 0);
  return total / late.length;
}

function normAt({ a, b }: Quadratics, x: readonly number[]): number {
  const gradient = x.map((value, j) => a.reduce((sum, row, r) => sum + row[j]! * (value - b[r]![j]!), 0) / a.length);
  return gradient.reduce((sum, g) => sum + g * g, 0);
}

/** Slope of the least-squares line through (ln x, ln y). */
export function slope(points: readonly (readonly [number, number])[]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const [mx, my] = [0, 1].map((k) => logs.reduce((sum, p) => sum + p[k]!, 0) / logs.length) as [number, number];
  const over = logs.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
  return over / logs.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
}

/** The methods, with rates at which their noise is far above what is left of the start. */
export const methods: readonly (readonly [string, Pick<Setting, "algorithm" | "learningRate">])[] = [
  ["fedavg", { algorithm: { name: "fedavg" }, learningRate: 0.05 }],
  ["local-adamw", { algorithm: { name: "local", optimizer: "adamw" }, learningRate: 0.02 }],
  ["fedadamw", { algorithm: { name: "fedadamw" }, learningRate: 0.02 }],
  ["fedpac-adamw", { algorithm: { name: "fedpac", optimizer: "adamw" }, learningRate: 0.02 }],
  ["local-muon", { algorithm: { name: "local", optimizer: "muon" }, learningRate: 0.02 }],
  ["fedmuon", { algorithm: { name: "fedmuon" }, learningRate: 0.02 }],
  ["fedpac-muon", { algorithm: { name: "fedpac", optimizer: "muon" }, learningRate: 0.02 }],
];

/** A row of a table: the norm at each value of what varies, and the slope of its logarithm. */
async function row(name: string, values: readonly number[], norm: (value: number) => Promise<number>): Promise<string> {
  const points: [number, number][] = [];
  for (const value of values) points.push([value, await norm(value)]);
  return `| ${name} | ${points.map(([, y]) => y.toPrecision(2)).join(" | ")} | ${slope(points).toFixed(2)} |`;
}

function head(letter: string, values: readonly number[]): string {
  const names = values.map((value) => `${letter} = ${value}`);
  return `| | ${names.join(" | ")} | slope in ${letter} |\n|---|${"---|".repeat(values.length + 1)}`;
}

if (import.meta.main) {
  const common = { rounds: 240, seed: 1 };
  for (const heterogeneity of [0.1, 1]) {
    console.log(`\nheterogeneity ${heterogeneity}, K = 4\n\n${head("S", [1, 2, 4, 8, 16])}`);
    for (const [name, method] of methods) {
      const norm = (cohort: number) => squaredGradient({ ...common, ...method, cohort, localSteps: 4, heterogeneity });
      console.log(await row(name, [1, 2, 4, 8, 16], norm));
    }
  }
  console.log(`\nheterogeneity 0.1, S = 4, the rate divided by K / 4\n\n${head("K", [1, 2, 4, 8])}`);
  for (const [name, { algorithm, learningRate }] of methods) {
    const at = { ...common, algorithm, cohort: 4, heterogeneity: 0.1 };
    const norm = (localSteps: number) =>
      squaredGradient({ ...at, localSteps, learningRate: (4 * learningRate) / localSteps });
    console.log(await row(name, [1, 2, 4, 8], norm));
  }
}
