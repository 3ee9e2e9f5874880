import { describe, expect, it } from "vitest";
import { HETEROGENEOUS } from "../conformance/heterogeneous.ts";
import type { Quadratics } from "../simulation/quadratics.ts";
import { type TraceProblem, traceQuadratics } from "../simulation/trace-quadratics.ts";

const problem = { ...HETEROGENEOUS, x0: [0.5, 0, -0.5] };
/** The coordinates as a matrix of one row. */
const matrix = { shape: [1, 3] };
type Options = { name: string; [option: string]: unknown };
const trace = async (algorithm: Options, changes: Partial<Quadratics> = {}) =>
  (await traceQuadratics({ ...problem, ...changes, algorithm } as TraceProblem)).rounds;

function expectClose(ours: number[][], reference: number[][], within = 1e-12): void {
  expect(ours.length).toBe(reference.length);
  ours.flat().forEach((x, i) => {
    expect(Math.abs(x - reference.flat()[i]!)).toBeLessThan(within);
  });
}

const average = (vectors: readonly number[][]) =>
  vectors[0]!.map((_, j) => vectors.reduce((sum, v) => sum + v[j]!, 0) / vectors.length);

/** FedAdamW with one block, as its equations stand, in plain loops. */
function fedadamwByHand({ a, b, x0, learningRate: eta, localSteps, cohorts }: typeof problem, alpha: number) {
  const [b1, b2, eps] = [0.9, 0.999, 1e-8];
  let [x, second, direction, t0] = [[...x0], 0, x0.map(() => 0), 0];
  return cohorts.map((cohort) => {
    const results = cohort.map((client) => {
      const [y, m, v] = [[...x], x.map(() => 0), x.map(() => second)];
      for (let k = 1; k <= localSteps; k++) {
        for (let j = 0; j < y.length; j++) {
          const g = a[client]![j]! * (y[j]! - b[client]![j]!);
          m[j] = b1 * m[j]! + (1 - b1) * g;
          v[j] = b2 * v[j]! + (1 - b2) * g * g;
          const adapted = m[j]! / (1 - b1 ** k) / (Math.sqrt(v[j]! / (1 - b2 ** (t0 + k))) + eps);
          y[j] = y[j]! - eta * (adapted + alpha * direction[j]!);
        }
      }
      return { delta: y.map((value, j) => value - x[j]!), mean: average(v.map((value) => [value]))[0]! };
    });
    const delta = average(results.map((r) => r.delta));
    x = x.map((value, j) => value + delta[j]!);
    second = average(results.map((r) => [r.mean]))[0]!;
    direction = delta.map((d) => -d / (localSteps * eta));
    t0 += localSteps;
    return [...x];
  });
}

describe("local optimizers", () => {
  it("one step of Local AdamW has the length of the learning rate, whatever the gradient", async () => {
    // a = 2 and 2000, b = 1, from 0: steps of 0.1 towards b
    for (const curvature of [2, 2000]) {
      const one = { a: [[curvature]], b: [[1]], x0: [0], localSteps: 1, cohorts: [[0]] };
      expectClose(await trace({ name: "local", optimizer: "adamw" }, one), [[0.1]], 1e-9);
    }
  });

  it("begins anew every round", async () => {
    const alone = { cohorts: [[0], [0]] };
    const [first, second] = await trace({ name: "local", optimizer: "adamw" }, alone);
    const again = await trace({ name: "local", optimizer: "adamw" }, { ...alone, x0: first!, cohorts: [[0]] });
    expectClose(again, [second!]);
    const unbroken = await trace({ name: "local", optimizer: "adamw" }, { cohorts: [[0]], localSteps: 6 });
    expect(Math.abs(unbroken[0]![0]! - second![0]!)).toBeGreaterThan(1e-4);
  });
});

describe("FedAdamW", () => {
  it.each([0, 0.5])("is its equations in plain loops, alpha = %s", async (alpha) => {
    expectClose(await trace({ name: "fedadamw", alpha }), fedadamwByHand(problem, alpha), 1e-11);
  });

  it("is Local AdamW in the first round, without a pull", async () => {
    const first = { cohorts: [[0, 1]] };
    expectClose(await trace({ name: "fedadamw" }, first), await trace({ name: "local", optimizer: "adamw" }, first));
  });

  it("with a block for each coordinate continues the second moment of one client exactly", async () => {
    // without first moment and pull, rounds leave no mark: 2 rounds of 3 steps are one of 6
    const alone = { name: "fedadamw", blocks: "coordinate", alpha: 0, beta1: 0 };
    const [, second] = await trace(alone, { cohorts: [[0], [0]] });
    const [unbroken] = await trace({ name: "local", optimizer: "adamw", beta1: 0 }, { cohorts: [[0]], localSteps: 6 });
    expectClose([second!], [unbroken!]);
  });

  it("does not tell the coordinates of a block apart", async () => {
    const turn = <T>(row: readonly T[]) => [row[2]!, row[0]!, row[1]!];
    const turned = { a: problem.a.map(turn), b: problem.b.map(turn), x0: turn(problem.x0) };
    expectClose(await trace({ name: "fedadamw" }, turned), (await trace({ name: "fedadamw" })).map(turn));
  });

  it.each([
    { name: "fedmuon", momentum: 0, directionShare: 0.3 },
    { name: "fedadamw", directionShare: 0.3 },
    { name: "fedpac", optimizer: "sgd", directionShare: 0.3 },
  ])("$name moves by share * Dbar where gradients vanish", async (algorithm) => {
    // client 1 has none at all
    const cohorts = { a: [problem.a[0]!, [0, 0, 0]], b: problem.b.slice(0, 2), cohorts: [[0], [1]] };
    const [first, second] = await trace(algorithm, { ...matrix, ...cohorts });
    const moved = first!.map((x, j) => x + 0.3 * (x - problem.x0[j]!));
    expectClose([second!], [moved]);
  });
});

describe("FedMuon", () => {
  const muon = { name: "local", optimizer: "muon" };

  it("is Local Muon in the first round, without a pull", async () => {
    const first = { ...matrix, cohorts: [[0, 1]] };
    expectClose(await trace({ name: "fedmuon", mu: 0.95, alpha: 0 }, first), await trace(muon, first));
  });

  it("takes half of that step with a convex mix, as there is no direction yet", async () => {
    const first = { ...matrix, cohorts: [[0]], localSteps: 1 };
    const [whole] = await trace(muon, first);
    const half = whole!.map((x, j) => (x + problem.x0[j]!) / 2);
    expectClose(await trace({ name: "fedmuon", mu: 0.95 }, first), [half]);
  });

  it("of one client is Muon without a break: 2 rounds of 3 steps are one of 6", async () => {
    const [, second] = await trace({ name: "fedmuon", mu: 0.9, alpha: 0 }, { ...matrix, cohorts: [[0], [0]] });
    const [unbroken] = await trace({ ...muon, momentum: 0.9 }, { ...matrix, cohorts: [[0]], localSteps: 6 });
    expectClose([second!], [unbroken!]);
  });

  it("is FedPAC with Muon of the same momentum", async () => {
    const fedpac = { name: "fedpac", optimizer: "muon", momentum: 0.9, beta: 0.3 };
    expectClose(await trace({ name: "fedmuon", mu: 0.9, alpha: 0.3 }, matrix), await trace(fedpac, matrix));
  });

  it("gives all directions of a layer steps of one length, whatever the gradient's", async () => {
    // a row of one element: NS5 of its sign, 0.696436, times the rate
    for (const curvature of [2, 2000]) {
      const one = { a: [[curvature]], b: [[1]], x0: [0], localSteps: 1, cohorts: [[0]], shape: [1, 1] };
      expectClose(await trace(muon, one), [[0.0696436]], 1e-6);
    }
  });
});

describe("FedPAC", () => {
  it("without a preconditioner is FedCM of gradient share 1 - beta", async () => {
    expectClose(
      await trace({ name: "fedpac", optimizer: "sgd", beta: 0.7 }),
      await trace({ name: "fedcm", alpha: 0.3 }),
    );
  });

  it("with AdamW is FedAdamW with a block for each coordinate and a convex mix", async () => {
    const fedadamw = { name: "fedadamw", blocks: "coordinate", mix: "convex", alpha: 0.4 };
    expectClose(await trace({ name: "fedpac", optimizer: "adamw", beta: 0.4 }), await trace(fedadamw));
  });
});

describe("options that contradict", () => {
  it("are refused by name", async () => {
    await expect(trace({ name: "local", optimizer: "sgd", beta1: 0.5 })).rejects.toThrow(/sgd has no beta1/);
    await expect(trace({ name: "fedpac", optimizer: "adamw", momentum: 0.5 })).rejects.toThrow(/beta1, beta2, epsilon/);
    await expect(trace({ name: "local" })).rejects.toThrow(/algorithm.optimizer/);
    await expect(trace({ name: "local", optimizer: "muon" })).rejects.toThrow(/matrix/);
  });
});
