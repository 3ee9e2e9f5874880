import { type Executor, interpreter, onnxruntimeNode } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { alteredBackend } from "../conformance/run-cohort.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "../simulation/in-process.ts";
import { prepareQuadratics, type Quadratics } from "../simulation/quadratics.ts";
import { recording } from "../simulation/trace-federation.ts";
import type { Algorithm } from "./algorithm.ts";
import { fedadamw } from "./fedadamw.ts";
import { fedmuon } from "./fedmuon.ts";
import { fedpac } from "./fedpac.ts";
import { createAlgorithm } from "./registry.ts";

const [m, n] = [6, 8];
const rows = Array.from({ length: m }, (_, i) => Math.sin(1 + i));
const columns = Array.from({ length: n }, (_, j) => Math.cos(2 * j));

/** The minimum of client i: a matrix of rank 1 where `rank` is 1, else of full rank. */
function minimum(client: number, rank: number): number[] {
  return Array.from({ length: m * n }, (_, k) => {
    const [i, j] = [Math.floor(k / n), k % n];
    return rank === 1
      ? (client + 1) * rows[(i + client) % m]! * columns[(j + 3 * client) % n]!
      : Math.sin(k * k + client);
  });
}

/** Equal curvatures: all gradients, momenta and steps lie between the minima of the clients, two of rank 1. */
const problem = (rank: number): Quadratics => ({
  a: [0, 1].map(() => Array.from({ length: m * n }, () => 1)),
  b: [0, 1].map((client) => minimum(client, rank)),
  x0: Array.from({ length: m * n }, () => 0),
  shape: [m, n],
  learningRate: 0.1,
  localSteps: 3,
  cohorts: [[0, 1], [1], [0, 1], [0]],
});

async function run(algorithm: Algorithm, quadratics: Quadratics, executor: Executor) {
  const rounds: number[][] = [];
  const watched = recording(algorithm, (parameters) => rounds.push(Array.from(parameters)));
  const { plan, simulation } = prepareQuadratics(watched, quadratics, executor);
  const { backend, evaluator, close } = await inProcessSimulation(simulation, executor);
  const floatsUp: number[] = [];
  const counting = alteredBackend(backend, (outcome) => {
    if ("update" in outcome) floatsUp.push(floatsOf(outcome.update.vectors));
    return outcome;
  });
  const ports = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates(), emit: () => {} };
  await runFederation(plan, { backend: counting, evaluator, ...ports });
  await close();
  return { rounds: rounds.flat(), floatsUp };
}

const floatsOf = (vectors: object) =>
  Object.values(vectors).reduce((sum: number, { length }: ArrayLike<number>) => sum + length, 0);

const difference = (a: number[], b: number[]) => Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));

// floor(0.4 * 48 / 15) = 1 and floor(0.63 * 48 / 15) = 2 triples of 15 floats, for 48
const [ONE, TWO] = [0.4, 0.63];

describe.each([
  ["float64", async () => interpreter(), 1e-9],
  ["float32", () => onnxruntimeNode(), 1e-5],
] as const)("FedMuon by truncated SVD in %s", (_type, open, within) => {
  const compressed = (options: object) => fedmuon({ upload: "truncated-svd", ...options });

  it("is the dense run where the momenta have that rank, by share and by energy", async () => {
    const executor = await open();
    const dense = await run(fedmuon(), problem(1), executor);
    for (const options of [{ rankShare: TWO }, { rankEnergy: 1 - 1e-9 }]) {
      const { rounds, floatsUp } = await run(compressed(options), problem(1), executor);
      expect(difference(rounds, dense.rounds)).toBeLessThan(within);
      // the change of the model and two triples at most, by energy with their number
      for (const floats of floatsUp)
        expect(floats).toBeLessThanOrEqual(48 + 2 * 15 + ("rankEnergy" in options ? 1 : 0));
    }
  });

  it("is the dense run to the bit where every rank is kept", async () => {
    const executor = await open();
    const dense = await run(fedmuon(), problem(m), executor);
    expect((await run(compressed({ rankEnergy: 1 }), problem(m), executor)).rounds).toEqual(dense.rounds);
  });

  it("is another run with less", async () => {
    const executor = await open();
    const dense = await run(fedmuon(), problem(1), executor);
    const { rounds } = await run(compressed({ rankShare: ONE }), problem(1), executor);
    expect(difference(rounds, dense.rounds)).toBeGreaterThan(1e-3);
  });
});

/** Floats that one client sends of its preconditioner, and what the server makes of it. */
async function preconditionerOf(
  options: Parameters<typeof fedpac>[0],
): Promise<{ floats: number; mean: Float64Array }> {
  const algorithm = fedpac(options);
  let mean = new Float64Array();
  const watched: Algorithm = {
    ...algorithm,
    update(state, aggregate, round) {
      mean = Float64Array.from(aggregate["preconditioner"]!);
      return algorithm.update(state, aggregate, round);
    },
  };
  const a = [0, 1].map(() => Array.from({ length: m * n }, (_, k) => 1 + (k % 5)));
  const { floatsUp } = await run(watched, { ...problem(m), a, cohorts: [[0]] }, interpreter());
  return { floats: floatsUp[0]! - m * n, mean };
}

describe("a light upload of FedPAC", () => {
  it("with Muon is FedMuon's", async () => {
    const light = fedpac({ optimizer: "muon", momentum: 0.98, light: ONE });
    const same = fedmuon({ upload: "truncated-svd", rankShare: ONE });
    expect(await run(light, problem(m), interpreter())).toEqual(await run(same, problem(m), interpreter()));
  });

  it("with AdamW is FedAdamW's block means, mixed convexly", async () => {
    const light = await run(fedpac({ optimizer: "adamw", light: true }), problem(m), interpreter());
    const reference = await run(fedadamw({ mix: "convex" }), problem(m), interpreter());
    expect(light).toEqual(reference);
  });

  it("with Sophia sends block means of the curvature, here one", async () => {
    const sophia = { optimizer: "sophia", estimator: "hutchinson" } as const;
    const [whole, light] = [await preconditionerOf(sophia), await preconditionerOf({ ...sophia, light: true })];
    expect([whole.floats, light.floats]).toEqual([m * n, 1]);
    expect(new Set(whole.mean.map((h) => Math.round(1e6 * h))).size).toBe(5);
    expect(light.mean[0]).toBeCloseTo(whole.mean.reduce((sum, h) => sum + h, 0) / (m * n), 12);
  });

  it.each(["soap", "shampoo"] as const)("with %s keeps the trace of its factors in fewer floats", async (optimizer) => {
    const [whole, light] = [await preconditionerOf({ optimizer }), await preconditionerOf({ optimizer, light: 0.3 })];
    const trace = (mean: Float64Array, offset: number, extent: number) =>
      Array.from({ length: extent }, (_, i) => mean[offset + i * (extent + 1)]!).reduce((sum, x) => sum + x, 0);
    expect(difference([...light.mean], [...whole.mean])).toBeGreaterThan(1e-3);
    for (const [offset, extent] of [
      [0, m],
      [m * m, n],
    ] as const) {
      expect(trace(light.mean, offset, extent)).toBeCloseTo(trace(whole.mean, offset, extent), 10);
    }
    // q = ceil(0.3 * 6) = 2 and ceil(0.3 * 8) = 3: q (m + 1) + 1 for each
    expect([whole.floats, light.floats]).toEqual([36 + 64, 2 * 7 + 1 + (3 * 9 + 1)]);
  });
});

describe("options of compressed uploads that contradict", () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ["fedmuon", { upload: "truncated-svd" }, /rankShare or rankEnergy/],
    ["fedmuon", { upload: "truncated-svd", rankShare: 0.1, rankEnergy: 0.9 }, /one of them sets the rank/],
    ["fedmuon", { rho: 0.1 }, /nothing unless upload = "truncated-svd"/],
    ["fedmuon", { upload: "truncated-svd", rankShare: 0 }, /rankShare/],
    ["fedpac", { optimizer: "muon", light: true }, /a number: the light upload of muon is truncated-svd/],
    ["fedpac", { optimizer: "adamw", light: 0.1 }, /true: the light upload of adamw is block-means/],
    ["fedpac", { optimizer: "sophia", light: 0.1 }, /true: the light upload of sophia is block-means/],
    ["fedpac", { optimizer: "soap", light: true }, /a number: the light upload of soap is low-rank-symmetric/],
    ["fedpac", { optimizer: "sgd", light: 0.1 }, /sgd has no preconditioner/],
    ["fedpac", { optimizer: "muon", light: 1.5 }, /light/],
  ])("are refused by name: %s %j", (name, options, message) => {
    expect(() => createAlgorithm(name, options)).toThrow(message);
  });
});
