import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { HETEROGENEOUS } from "../conformance/heterogeneous.ts";
import { runCohort } from "../conformance/run-cohort.ts";
import { StreamingAggregator } from "../pipeline/index.ts";
import { encodedSize, type Update } from "../protocol/message.ts";
import { assignParts } from "../round/assign-parts.ts";
import type { Outcome } from "../round/backend.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "../simulation/in-process.ts";
import { prepareQuadratics, type Quadratics } from "../simulation/quadratics.ts";
import { recording } from "../simulation/trace-federation.ts";
import { type TraceProblem, traceQuadratics } from "../simulation/trace-quadratics.ts";
import type { Algorithm, ServerState } from "./algorithm.ts";
import { fedbcgd } from "./fedbcgd.ts";
import { fedbcgdPlus } from "./fedbcgd-plus.ts";
import { scaffold } from "./scaffold.ts";
import { heavyBall, zeros } from "./server.ts";

const blocks = { coordinates: [[0], [1]] };
const everyone = (rounds: number) => Array.from({ length: rounds }, () => [0, 1, 2, 3]);
const problem = { ...HETEROGENEOUS, x0: [0.5, 0, -0.5], blocks };
const trace = async (algorithm: TraceProblem["algorithm"], changes: Partial<Quadratics> = {}) =>
  (await traceQuadratics({ ...problem, ...changes, algorithm } as TraceProblem)).rounds;

function expectClose(ours: number[][], reference: number[][], within = 1e-12): void {
  expect(ours.length).toBe(reference.length);
  for (const [i, x] of ours.flat().entries()) expect(Math.abs(x - reference.flat()[i]!)).toBeLessThan(within);
}

/** Server states and client states at the end of a run. */
async function run(algorithm: Algorithm, changes: Partial<Quadratics>) {
  let last: ServerState | undefined;
  const rounds: number[][] = [];
  const watched: Algorithm = {
    ...algorithm,
    update(...args) {
      last = algorithm.update(...args);
      return last;
    },
  };
  const executor = interpreter();
  const recorded = recording(watched, (x) => rounds.push(Array.from(x)));
  const { plan, simulation } = prepareQuadratics(recorded, { ...problem, ...changes }, executor);
  const { backend, evaluator, close } = await inProcessSimulation(simulation, executor);
  const clientStates = memoryClientStates();
  await runFederation(plan, { backend, evaluator, checkpoints: memoryBlobStore(), clientStates, emit: () => {} });
  await close();
  const kept = await Promise.all(problem.a.map((_, client) => clientStates.load(client)));
  return { rounds, server: last!.vectors, controls: kept.map((state) => state?.["control"] ?? new Float64Array(3)) };
}

describe("FedBCGD", () => {
  it("with one block is FedAvg without momentum and FedAvgM with it, bit for bit", async () => {
    const one = { name: "fedbcgd", blocks: 1 };
    expect(await trace({ ...one, beta: 0 })).toEqual(await trace({ name: "fedavg" }));
    expect(await trace({ ...one, beta: 0.9 })).toEqual(await trace({ name: "fedavgm", beta: 0.9 }));
  });

  it("with clients that are all alike is FedAvgM with one of them, for any number of blocks", async () => {
    const alike = { a: problem.a.map(() => [1, 2, 3]), b: problem.b.map(() => [1, -1, 2]) };
    const reference = await trace({ name: "fedavgm", beta: 0.45 }, { ...alike, cohorts: everyone(8).map(() => [0]) });
    for (const coordinates of [[[0, 1, 2]], [[0], [1]], [[2], [0, 1]], [[1], [2], [0]]]) {
      const algorithm = { name: "fedbcgd", blocks: coordinates.length };
      const ours = await trace(algorithm, { ...alike, blocks: { coordinates }, cohorts: everyone(8) });
      expectClose(ours, reference);
    }
  });

  it("averages a block over those who sent it and the shared entries over all: D_i = i", () => {
    const { payloads } = prepareQuadratics(fedbcgd(), problem, interpreter()).plan;
    const fold = new StreamingAggregator(payloads);
    const update = (client: number, part: number): Update => ({
      round: 1,
      client,
      layoutHash: "",
      vectors: { delta: new Float64Array(2).fill(client) },
      public: { examples: 1, steps: 1, weight: 1, loss: 0, part },
    });
    // block 0 from clients 1, 2 and 6: 3; block 1 from client 5; shared: (1 + 2 + 6 + 5) / 4
    fold.addAll([update(1, 0), update(2, 0), update(6, 0), update(5, 1)]);
    expect([...fold.result((n) => new Float64Array(n))["delta"]!]).toEqual([3, 5, 3.5]);
  });

  it("lets the momentum of a block that nobody sent decay: v <- beta v", async () => {
    const blocksOf = (second: number) => ({
      ...blocks,
      assignment: [
        [0, 1],
        [second, second],
      ],
    });
    const [both, alone] = await Promise.all(
      [1, 0].map((second) =>
        trace(
          { name: "fedbcgd" },
          {
            blocks: blocksOf(second),
            cohorts: [
              [0, 1],
              [2, 3],
            ],
          },
        ),
      ),
    );
    expect(both![0]).toEqual(alone![0]);
    const first = alone![0]![1]! - problem.x0[1]!;
    expect(alone![1]![1]! - alone![0]![1]!).toBeCloseTo(0.45 * first, 14);
    expect(alone![1]![2]).toBe(both![1]![2]);
  });

  it("sends the bytes of its blocks and the shared entries, and counts them", async () => {
    const executor = interpreter();
    const uneven = { ...problem, blocks: { coordinates: [[0, 2], [1]] } };
    const { plan, simulation } = prepareQuadratics(fedbcgd(), uneven, executor);
    const { backend, close } = await inProcessSimulation(simulation, executor);
    const outcomes: Outcome[] = [];
    const cohort = [0, 1, 2, 3];
    const parts = assignParts(plan, 1, cohort)!;
    const broadcast = { round: 1, vectors: { parameters: plan.initial }, scalars: {} };
    const work = { broadcast, cohort, parts, learningRate: 0.1 };
    await runCohort(backend, work, (outcome) => void outcomes.push(outcome));
    await close();
    const bytes = outcomes.map((outcome) => {
      if ("failure" in outcome) throw new Error(outcome.failure.message);
      expect(outcome.update.public.part).toBe(parts.get(outcome.client));
      expect(outcome.bytesUp).toBe(encodedSize(outcome.update));
      return outcome.bytesUp;
    });
    const [large, small] = [Math.max(...bytes), Math.min(...bytes)];
    // two clients hold each block; the messages differ by one float64 and nothing else
    expect(large - small).toBe(8);
    expect(bytes.reduce((a, b) => a + b, 0)).toBe(2 * (large + small));
  });
});

describe("FedBCGD+", () => {
  /** SCAFFOLD with FedAvgM's server step. */
  function scaffoldWithMomentum(beta: number): Algorithm {
    const base = scaffold();
    return {
      ...base,
      init(parameters, model) {
        const { vectors, scalars } = base.init(parameters, model);
        return { vectors: { ...vectors, momentum: zeros(parameters) }, scalars };
      },
      update(state, aggregate, round) {
        const { vectors } = base.update(state, aggregate, round);
        const moving = { parameters: state.vectors.parameters, momentum: state.vectors["momentum"]! };
        return { ...state, vectors: { ...vectors, ...heavyBall(moving, aggregate["delta"]!, beta, 1) } };
      },
    };
  }

  it("with one block is SCAFFOLD with heavy-ball momentum", async () => {
    const cohorts = [...HETEROGENEOUS.cohorts, ...HETEROGENEOUS.cohorts];
    const ours = await run(fedbcgdPlus({ blocks: 1 }), { cohorts });
    expectClose(ours.rounds, (await run(scaffoldWithMomentum(0.45), { cohorts })).rounds);
  });

  it("with one block, everyone and clients all alike is FedAvgM", async () => {
    const alike = { a: problem.a.map(() => [1, 2, 3]), b: problem.b.map(() => [1, -1, 2]), cohorts: everyone(8) };
    const reference = await trace({ name: "fedavgm", beta: 0.45 }, alike);
    for (const controlForm of ["mask", "ema"])
      expectClose(await trace({ name: "fedbcgd+", blocks: 1, controlForm }, alike), reference);
  });

  it("keeps c = mean of c_i under partial participation, with blocks dealt out at random", async () => {
    const cohorts = [[0, 1], [1, 2, 3], [2, 3], [0, 3], [2], [0, 1, 3], [1, 2]];
    const { server, controls } = await run(fedbcgdPlus(), { cohorts });
    for (let j = 0; j < 3; j++) {
      const mean = controls.reduce((sum, c) => sum + c[j]!, 0) / 4;
      expect(Math.abs(mean)).toBeGreaterThan(1e-3);
      expect(Math.abs(server["control"]![j]! - mean)).toBeLessThan(1e-12);
    }
  });

  it("reaches the exact optimum of unlike clients, which FedBCGD does not", async () => {
    const optimum = [0, 1, 2].map((j) => {
      const total = problem.a.reduce((sum, row) => sum + row[j]!, 0);
      return problem.a.reduce((sum, row, i) => sum + row[j]! * problem.b[i]![j]!, 0) / total;
    });
    const distance = (x: readonly number[]) => Math.hypot(...x.map((v, j) => v - optimum[j]!));
    const cohorts = everyone(400);
    expect(distance((await trace({ name: "fedbcgd+" }, { cohorts })).at(-1)!)).toBeLessThan(1e-6);
    expect(distance((await trace({ name: "fedbcgd" }, { cohorts })).at(-1)!)).toBeGreaterThan(1e-2);
    expect(distance((await trace({ name: "fedbcgd+", controlForm: "ema" }, { cohorts })).at(-1)!)).toBeGreaterThan(
      1e-2,
    );
  });

  it('takes S / M for the rate of "ema" where none is given', async () => {
    const half = { name: "fedbcgd+", controlForm: "ema", blocks: 1 };
    expect(await trace(half)).toEqual(await trace({ ...half, p: 0.5 }));
    expect(await trace(half)).not.toEqual(await trace({ ...half, p: 0.4 }));
  });
});
