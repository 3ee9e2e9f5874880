import { describe, expect, it } from "vitest";
import { HETEROGENEOUS } from "../conformance/heterogeneous.ts";
import { layout } from "../params/layout.ts";
import { traceQuadratics } from "../simulation/trace-quadratics.ts";
import { fedcm } from "./fedcm.ts";

const problem = { ...HETEROGENEOUS, x0: [0.5, 0, -0.5] };
type Options = { name: string; [option: string]: unknown };
const trace = async (algorithm: Options, changes: Partial<typeof problem> = {}) =>
  (await traceQuadratics({ ...problem, ...changes, algorithm })).rounds;

function expectClose(ours: number[][], reference: number[][], within = 1e-12): void {
  expect(ours.length).toBe(reference.length);
  ours.flat().forEach((x, i) => {
    expect(Math.abs(x - reference.flat()[i]!)).toBeLessThan(within);
  });
}

const scalar = layout([{ name: "x", shape: [1], role: "vector", block: "x" }]);

describe("reductions that the papers imply", () => {
  it("FedCM keeps an average of rate alpha: constant gradients u give c = (1 - (1 - alpha)^t) u", () => {
    // D = -K eta (alpha u + (1 - alpha) c), so c+ = alpha u + (1 - alpha) c
    const [alpha, u, eta, k] = [0.1, 2, 0.1, 3];
    const algorithm = fedcm({ gradientShare: alpha });
    let state = algorithm.init(new Float64Array([0]), scalar);
    for (let t = 1; t <= 6; t++) {
      const c = state.vectors["direction"]![0]!;
      const delta = new Float64Array([-k * eta * (alpha * u + (1 - alpha) * c)]);
      const steps = { localSteps: k, weightedSteps: k };
      const context = { round: t, cohortSize: 1, population: 1, learningRate: eta, layout: scalar, ...steps };
      state = algorithm.update(state, { delta }, context);
      expect(state.vectors["direction"]![0]).toBeCloseTo((1 - (1 - alpha) ** t) * u, 12);
    }
  });

  it("MoFedSAM without perturbation is FedCM, and with alpha = 1 FedSAM", async () => {
    expectClose(await trace({ name: "mofedsam", rho: 0, alpha: 0.3 }), await trace({ name: "fedcm", alpha: 0.3 }));
    expectClose(await trace({ name: "mofedsam", rho: 0.2, alpha: 1 }), await trace({ name: "fedsam", rho: 0.2 }));
  });

  it("FedSAM on a one-dimensional quadratic steps along g + a rho sign(g)", async () => {
    // a = 2, b = 1, x = 0: g = -2, perturbed gradient -2 - 2 * 0.1; one step of 0.1: x = 0.22
    const one = { a: [[2]], b: [[1]], x0: [0], localSteps: 1, cohorts: [[0]] };
    expectClose(await trace({ name: "fedsam", rho: 0.1 }, one), [[0.22]], 1e-12);
  });

  it("FedSAM is FedAvg where the loss is linear, as a step aside finds the same gradient", async () => {
    const flat = { a: [[1e-12, 1e-12]], b: [[2e12, -1e12]], x0: [0, 0], cohorts: [[0], [0]] };
    expectClose(await trace({ name: "fedsam", rho: 0.5 }, flat), await trace({ name: "fedavg" }, flat), 1e-9);
  });

  it("adaptive FedSAM perturbs each coordinate by rho y^2 g / |y g|", async () => {
    // a = 2, b = 1, x = 3: g = 4, e = 0.1 * 9 * 4 / 12 = 0.3, gradient 4.6; one step of 0.1: x = 2.54
    const one = { a: [[2]], b: [[1]], x0: [3], localSteps: 1, cohorts: [[0]] };
    expectClose(await trace({ name: "fedsam", rho: 0.1, adaptive: true }, one), [[2.54]], 1e-11);
  });

  it("FedSpeed's first round moves by 2 Dbar (paper) and (1 + S/M) Dbar (code) without pull and perturbation", async () => {
    const first = { cohorts: [[0, 1]] };
    const [plain] = await trace({ name: "fedavg" }, first);
    const moved = (factor: number) => [plain!.map((x, j) => problem.x0[j]! + factor * (x - problem.x0[j]!))];
    const still = { name: "fedspeed", proximalStrength: 0, perturbationRadius: 0 };
    expectClose(await trace({ ...still, form: "paper" }, first), moved(2));
    expectClose(await trace({ ...still, form: "code" }, first), moved(1 + 2 / 4));
  });

  it("FedSpeed's forms agree at full participation", async () => {
    const everyone = { cohorts: Array.from({ length: 5 }, () => [0, 1, 2, 3]) };
    const options = { name: "fedspeed", proximalStrength: 0.1, perturbationRadius: 0.05 };
    expectClose(
      await trace({ ...options, form: "paper" }, everyone),
      await trace({ ...options, form: "code" }, everyone),
    );
  });

  it("FedNSAM's perturbations coincide for rho = 0, whatever K", async () => {
    for (const localSteps of [1, 3, 7]) {
      const momentum = await trace({ name: "fednsam", rho: 0 }, { localSteps });
      expectClose(await trace({ name: "fednsam", rho: 0, perturbation: "gradient" }, { localSteps }), momentum);
    }
  });

  it("FedNSAM by the momentum is local descent from x + (gamma - rho / |m|) m, or from x where rho is longer", async () => {
    const { a, b, x0, learningRate: eta, localSteps, cohorts } = problem;
    const [gamma, rho] = [0.85, 0.25];
    let [x, m]: number[][] = [x0, x0.map(() => 0)] as [number[], number[]];
    const ahead: boolean[] = [];
    const expected = cohorts.map((cohort) => {
      const length = Math.hypot(...m!);
      const factor = Math.max(0, gamma - rho / (length + 1e-12));
      ahead.push(factor > 0);
      const start = x!.map((v, j) => v + factor * m![j]!);
      const ends = cohort.map((client) => {
        let z = start;
        for (let k = 0; k < localSteps; k++) z = z.map((v, j) => v - eta * a[client]![j]! * (v - b[client]![j]!));
        return z;
      });
      const change = start.map((v, j) => ends.reduce((sum, z) => sum + z[j]!, 0) / ends.length - v);
      m = m!.map((v, j) => gamma * v + change[j]!);
      x = x!.map((v, j) => v + m![j]!);
      return x;
    });
    expect(new Set(ahead)).toEqual(new Set([false, true]));
    expectClose(await trace({ name: "fednsam", gamma, rho }), expected);
  });

  it("FedNSAM with one client, one step and rho = 0 is Nesterov's momentum", async () => {
    const [a, b, eta, gamma] = [2, 1, 0.1, 0.85];
    const one = { a: [[a]], b: [[b]], x0: [0], localSteps: 1, cohorts: Array.from({ length: 6 }, () => [0]) };
    let [x, v] = [0, 0];
    const expected = one.cohorts.map(() => {
      v = gamma * v - eta * a * (x + gamma * v - b);
      x += v;
      return [x];
    });
    expectClose(await trace({ name: "fednsam", gamma, rho: 0 }, one), expected);
  });
});
