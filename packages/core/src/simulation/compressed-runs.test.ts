import { interpreter } from "@anabranch/engine";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fedavg } from "../algorithms/fedavg.ts";
import { fedavgm } from "../algorithms/fedavgm.ts";
import { fedadam } from "../algorithms/fedopt.ts";
import { scaffold } from "../algorithms/scaffold.ts";
import { type CompressionLink, compressorOf, downFeedbacks, feedbacks } from "../compression/index.ts";
import { largestUpdate } from "../pipeline/index.ts";
import { encodedSize } from "../protocol/index.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import type { RunPorts } from "../round/run-plan.ts";
import { inProcessSimulation } from "./in-process.ts";
import { prepareQuadratics, type Quadratics } from "./quadratics.ts";

const d = 9;
const numbers = (of: (i: number, j: number) => number) =>
  Array.from({ length: 4 }, (_, i) => Array.from({ length: d }, (_, j) => of(i, j)));
const a = numbers((i, j) => 0.5 + ((i * 3 + j) % 4) / 2);
const b = numbers((i, j) => Math.sin(i + 2 * j));

const methods = [fedavg(), fedadam({ serverLearningRate: 0.05 }), fedavgm(), scaffold()];
const share = fc.constantFrom(0.1, 0.3, 0.8, 1);
const ending = fc.oneof(
  fc.record({
    name: fc.constant("qsgd"),
    levels: fc.constantFrom(1, 4, 300),
    bucket: fc.constantFrom(4, 512),
    coding: fc.constantFrom("elias", "fixed"),
  }),
  fc.constantFrom({ name: "natural" }, { name: "sign" }, { name: "e3m0" }, { name: "nf4", block: 4 }),
  fc.record({ name: fc.constant("fedzip"), keep: share, iterations: fc.constant(3) }),
) as fc.Arbitrary<CompressionLink>;
const thinning = fc.oneof(
  fc.record({ name: fc.constant("top-k"), density: share }),
  fc.record({ name: fc.constant("rand-k"), density: share, scaled: fc.boolean() }),
  fc.record({ name: fc.constantFrom("count-sketch", "srht"), size: share }),
) as fc.Arbitrary<CompressionLink>;
const chain = fc
  .tuple(fc.array(thinning, { maxLength: 2 }), fc.option(ending, { nil: undefined }))
  .map(([links, end]) => (end === undefined ? links : [...links, end]))
  .filter((links) => links.length > 0);

const run = fc.record({
  method: fc.constantFrom(...methods),
  up: fc.option(chain, { nil: undefined }),
  feedback: fc.constantFrom(...feedbacks),
  down: fc.option(chain, { nil: undefined }),
  downFeedback: fc.constantFrom(...downFeedbacks),
  scope: fc.constantFrom("model" as const, "layer" as const),
});
type Run = typeof run extends fc.Arbitrary<infer T> ? T : never;

/** Feedback only around operators that it works with. */
const fitting = <F extends string>(links: CompressionLink[], feedback: F): F | "none" =>
  compressorOf(links).traits.contractive ? feedback : "none";

function problemOf({ up, feedback, down, downFeedback, scope }: Run): Quadratics {
  const fed = { momentum: 0.5, nesterov: false, masking: true, scope };
  return {
    ...{ a, b, x0: b[0]!.map(() => 1), learningRate: 0.05, localSteps: 2 },
    // client 3 misses rounds, so it is sent other messages than the rest
    cohorts: [
      [0, 1, 2, 3],
      [0, 1, 2],
      [0, 1, 3],
      [1, 2, 3],
    ],
    ...(up === undefined ? {} : { compression: { ...fed, up, feedback: fitting(up, feedback), vectors: ["delta"] } }),
    ...(down === undefined
      ? {}
      : { down: { operators: down, scope, feedback: fitting(down, downFeedback), vectors: ["parameters"] } }),
  };
}

async function train(chosen: Run, ports: Partial<RunPorts> = {}) {
  const executor = interpreter();
  const { plan, simulation } = prepareQuadratics(chosen.method, problemOf(chosen), executor);
  const { backend, evaluator, close } = await inProcessSimulation(simulation, executor);
  const kept = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates(), emit: () => {} };
  const result = await runFederation(plan, { backend, evaluator, ...kept, ...ports });
  await close();
  return { result, largest: encodedSize(largestUpdate(simulation.task, undefined)) };
}

describe("a run with any chains in both directions", () => {
  it("is repeatable, keeps to the announced size, and is resumed to the same model and bytes", async () => {
    await fc.assert(
      fc.asyncProperty(run, fc.integer({ min: 1, max: 3 }), async (chosen, after) => {
        const { result, largest } = await train(chosen);
        if (result.stopped === "diverged") return;
        for (const { bytesUp, clients } of result.history) expect(bytesUp).toBeLessThanOrEqual(clients * largest);
        const controller = new AbortController();
        const checkpoints = memoryBlobStore();
        await train(chosen, {
          checkpoints,
          signal: controller.signal,
          emit: (event) => {
            if (event.type === "round.finished" && event.round === after) controller.abort();
          },
        });
        const { result: rest } = await train(chosen, { checkpoints });
        expect(rest.modelHash).toBe(result.modelHash);
        const bytes = ({ history }: typeof result) => history.map(({ bytesUp, bytesDown }) => [bytesUp, bytesDown]);
        expect(bytes(rest)).toEqual(bytes(result).slice(after));
      }),
      { seed: 1, numRuns: 40 },
    );
  });
});
