import { describe, expect, it } from "vitest";
import * as z from "zod";
import { layout } from "../params/layout.ts";
import { defineMethod } from "./define-method.ts";
import { localSgd, modelDelta } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { stepFrom } from "./server.ts";
import { MODEL, ownLayout, SCALAR, sum, weightedMean } from "./shapes.ts";

const model = layout([{ name: "w", shape: [3], role: "vector", block: "w" }]);
const round = {
  round: 1,
  cohortSize: 1,
  population: 1,
  learningRate: 1,
  localSteps: 2,
  weightedSteps: 2,
  layout: model,
};
const pair = layout([{ name: "pair", shape: [2], role: "vector", block: "pair" }]);

/** A method with vectors of each shape, and with one that exists only if asked for. */
const example = (extra: boolean) =>
  vectors({
    server: { parameters: MODEL, momentum: MODEL, rounds: SCALAR, extra: extra ? ownLayout(pair) : undefined },
    upload: { delta: weightedMean(MODEL), count: sum(SCALAR) },
    broadcast: ["parameters", "rounds", "extra"],
    computed: { half: SCALAR },
  }).method({
    start: (parameters) => ({ momentum: parameters }),
    compute: ({ rounds }) => ({ half: rounds / 2 }),
    local: localSgd({
      result: (y, local) => ({ update: { delta: modelDelta(y, local), count: local.broadcast.half }, state: {} }),
    }),
    update: ({ parameters, momentum, rounds, extra: kept }, { delta, count }) => ({
      parameters: stepFrom(parameters, count, delta),
      momentum,
      rounds: rounds + 0.1,
      extra: kept,
    }),
  });

describe("vectors of a method", () => {
  it("become the payloads, without those whose shape is undefined", () => {
    const names = (of: object) => Object.keys(of).sort();
    expect(names(example(true).payloads(model).broadcast)).toEqual(["extra", "half", "parameters", "rounds"]);
    const { broadcast, upload, clientState } = example(false).payloads(model);
    expect(names(broadcast)).toEqual(["half", "parameters", "rounds"]);
    expect(upload["count"]).toMatchObject({ aggregation: "sum", layout: { size: 1 } });
    expect(clientState).toEqual({});
  });

  it("start as zeros, as the model, or as the method says", () => {
    const parameters = new Float32Array([1, 2, 3]);
    expect(example(true).init(parameters, model)).toEqual({
      vectors: { parameters, momentum: parameters, extra: new Float32Array(2) },
      scalars: { rounds: 0 },
    });
  });

  it("hold numbers in the precision in which they travel, beside numbers of others", () => {
    const { init, update, broadcast } = example(false);
    for (const parameters of [new Float32Array(3), new Float64Array(3)]) {
      const start = init(parameters, model);
      const delta = parameters.map(() => 1);
      const next = update(
        { ...start, scalars: { ...start.scalars, clipNorm: 7 } },
        { delta, count: delta.slice(1, 2) },
        round,
      );
      const rounds = parameters instanceof Float32Array ? Math.fround(0.1) : 0.1;
      expect(next.scalars).toEqual({ rounds, clipNorm: 7 });
      expect(broadcast(next, {}, 2)["half"]).toEqual(parameters.slice(2).fill(rounds / 2));
    }
  });
});

describe("the types of a method", () => {
  const declared = vectors({
    server: { parameters: MODEL, control: MODEL },
    client: { control: MODEL },
    upload: { delta: weightedMean(MODEL) },
  });

  it("refuse names and kinds that its vectors do not declare", () => {
    // what `tsc` refuses; each line below `@ts-expect-error` would fail the type check if it were accepted
    declared.method({
      local: localSgd({
        result: (y, local) => ({ update: { delta: modelDelta(y, local) }, state: { control: local.state.control } }),
      }),
      update: ({ parameters, control }) => ({ parameters, control }),
    });
    declared.method({
      // @ts-expect-error: `delt` is not uploaded
      local: localSgd({ result: (y, local) => ({ update: { delt: modelDelta(y, local) }, state: local.state }) }),
      update: ({ parameters, control }) => ({ parameters, control }),
    });
    declared.method({
      local: localSgd({ result: (y, local) => ({ update: { delta: modelDelta(y, local) }, state: local.state }) }),
      // @ts-expect-error: `control` is missing from the server's next state
      update: ({ parameters }) => ({ parameters }),
    });
    declared.method({
      local: localSgd({
        result: (y, local) => ({
          update: { delta: modelDelta(y, local) },
          // @ts-expect-error: the client keeps no `momentum`
          state: { control: local.state.momentum },
        }),
      }),
      // @ts-expect-error: `change` is not aggregated
      update: ({ parameters, control }, { change }) => ({ parameters: change, control: parameters ?? control }),
    });
    // @ts-expect-error: clients keep `control`, so the default result does not do
    declared.method({ local: localSgd(), update: ({ parameters, control }) => ({ parameters, control }) });
  });
});

describe("defineMethod", () => {
  const options = z.strictObject({ rate: z.number().default(2), kind: z.enum(["a", "b"]) });
  const made = defineMethod({ name: "made", options, symbols: { eta: "rate" }, build: () => example(false) });

  it("makes algorithms with their name and all options", () => {
    expect(made({ kind: "a" })).toMatchObject({ name: "made", options: { rate: 2, kind: "a" } });
    expect(made.definition).toMatchObject({ name: "made", file: "made.ts", symbols: { eta: "rate" } });
  });

  it("refuses options that the schema does not take", () => {
    expect(() => made({ kind: "c" as "a" })).toThrow();
    // @ts-expect-error: `kind` is required
    expect(() => made({})).toThrow();
    // @ts-expect-error: a symbol stands for an option
    defineMethod({ name: "made", options, symbols: { eta: "speed" }, build: () => example(false) });
  });
});
