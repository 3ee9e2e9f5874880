import {
  constant,
  countFlops,
  evaluate,
  type HostTensor,
  interpreter,
  mul,
  sum,
  valueAndGrad,
} from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { splitTraffic } from "../adapters/index.ts";
import { cutModel, shortcutModel } from "../models/index.ts";
import type { Model } from "../models/model.ts";
import { promptedVit } from "../models/vit.ts";
import { initialParameters } from "../params/initialize.ts";
import { entryView, layout } from "../params/layout.ts";
import { decodeSplitMessage, encodeSafetensors, encodeSplitMessage, SPLIT_MESSAGES } from "../protocol/index.ts";
import { rootKey } from "../random/index.ts";
import { planBatches } from "./batches.ts";
import { exchangedBytes } from "./split-exchange.ts";
import { splitPrograms } from "./split-programs.ts";
import { splitClient, splitServer } from "./split-session.ts";

const PROMPTS = 2;
const vit = (depth: number, prompts = PROMPTS) =>
  promptedVit({ input: [1, 4, 4], inputType: "float", patch: 2, width: 6, heads: 2, depth, classes: 3 }, prompts);
const ROWS = 4;
const features: HostTensor = {
  dtype: "float",
  shape: [ROWS, 1, 4, 4],
  data: Float64Array.from({ length: 16 * ROWS }, (_, i) => Math.sin(i * i)),
};
const labels: HostTensor = { dtype: "uint8", shape: [ROWS], data: Uint8Array.of(0, 2, 1, 2) };
const weights: HostTensor = { dtype: "float", shape: [ROWS], data: Float64Array.of(0.25, 0.5, 0.25, 0) };

/** Values of a model's parameters that are no zeros. */
function valuesOf(model: Model): Record<string, HostTensor> {
  const all = layout(model.parameters);
  const drawn = initialParameters(model.parameters, rootKey(3));
  const moved = Float64Array.from(drawn, (value, i) => value + 0.2 * Math.sin(1 + i));
  return Object.fromEntries(
    all.entries.map((entry) => [entry.name, { dtype: "float", shape: entry.shape, data: entryView(moved, entry) }]),
  );
}

function constants(values: Readonly<Record<string, HostTensor>>) {
  return Object.fromEntries(
    Object.entries(values).map(([name, { data, shape }]) => [name, constant(Array.from(data), shape)]),
  );
}

const forward = (model: Model, values: Readonly<Record<string, HostTensor>>) =>
  Array.from(evaluate(model.forward(constants(values), constant(Array.from(features.data), features.shape))).data);

/** Loss and gradients of all parameters, without a cut. */
function uncut(model: Model, values: Readonly<Record<string, HostTensor>>) {
  const found = valueAndGrad((parameters: ReturnType<typeof constants>) => {
    const outputs = model.forward(parameters, constant(Array.from(features.data), features.shape));
    const losses = model.losses(outputs, constant(Array.from(labels.data), [ROWS], "int32"));
    return sum(mul(losses, constant(Array.from(weights.data), [ROWS])));
  }, constants(values));
  return {
    loss: evaluate(found.value).data[0]!,
    gradients: Object.fromEntries(
      Object.entries(found.gradients).map(([name, gradient]) => [name, Array.from(evaluate(gradient).data)]),
    ),
  };
}

describe("a model that is cut", () => {
  const model = vit(4);

  it("has every parameter in one part", () => {
    const { head, body, tail, activation } = cutModel(model, { headBlocks: 1, tailBlocks: 1 });
    const names = [head, body, tail].map(({ parameters }) => parameters.map(({ name }) => name));
    expect(names.flat()).toEqual(model.parameters.map(({ name }) => name));
    const blocksOf = (part: readonly string[]) => new Set(part.map((name) => name.split(".")[0]));
    expect(names.map((part) => [...blocksOf(part)])).toEqual([
      ["patches", "positions", "prompts", "block1"],
      ["block2", "block3"],
      ["block4", "norm", "head"],
    ]);
    expect(activation).toEqual([PROMPTS + 4, 6]);
  });

  it("is without its body the model of the other blocks", () => {
    const short = vit(2);
    const values = valuesOf(model);
    const renamed = Object.fromEntries(
      short.parameters.map(({ name }) => [name, values[name.replace("block2", "block4")]!]),
    );
    expect(forward(shortcutModel(model, { headBlocks: 1, tailBlocks: 1 }), values)).toEqual(forward(short, renamed));
    expect(forward(model, values)).not.toEqual(forward(short, renamed));
  });

  it.each([
    [2, 2],
    [4, 0],
  ])("is refused with %i and %i of four blocks outside the body", (headBlocks, tailBlocks) => {
    expect(() => cutModel(model, { headBlocks, tailBlocks })).toThrow(expect.objectContaining({ code: "model/cut" }));
  });
});

describe("split training", () => {
  it.each([
    [1, 1, 2],
    [0, 0, 2],
    [1, 2, 0],
  ])("with %i head and %i tail blocks and %i prompts has the gradient of the uncut model", async (h, t, prompts) => {
    const model = vit(4, prompts);
    const values = valuesOf(model);
    const { head, body, tail } = cutModel(model, { headBlocks: h, tailBlocks: t });
    const trained = [...(prompts > 0 ? ["prompts.weight"] : []), ...tail.parameters.map(({ name }) => name)];
    const session = { headBlocks: h, tailBlocks: t, rows: ROWS, trained };
    const only = (names: readonly { readonly name: string }[]) =>
      Object.fromEntries(names.map(({ name }) => [name, values[name]!]));
    // neither side has the parameters of the other
    const server = await splitServer(model, session, only(body.parameters), interpreter());
    const client = await splitClient(model, session, only([...head.parameters, ...tail.parameters]), interpreter());
    const messages: Uint8Array[] = [];
    const send = async (message: Uint8Array) => {
      const answer = await server.answer(message);
      messages.push(message, answer);
      return answer;
    };
    const batch = { features, labels, weights, round: 3, client: 7, step: 2 };
    const { loss, gradients } = await client.step(batch, send);
    const expected = uncut(model, values);
    expect(loss).toBeCloseTo(expected.loss, 12);
    expect(Object.keys(gradients).sort()).toEqual([...trained].sort());
    for (const [name, { data }] of Object.entries(gradients)) {
      const errors = Array.from(data, (value, i) => Math.abs(value - expected.gradients[name]![i]!));
      expect(Math.max(...errors), name).toBeLessThan(1e-6);
      // attention does not depend on the bias of its keys
      if (!name.endsWith("key.bias")) expect(Math.max(...data.map(Math.abs)), name).toBeGreaterThan(1e-6);
    }
    // no features and no labels are in any message, and their bytes are those that are counted
    const read = messages.map((message) => decodeSplitMessage(message));
    expect(read.map(({ kind }) => kind)).toEqual([...SPLIT_MESSAGES]);
    const shape = [ROWS, prompts + 4, 6];
    for (const message of read) {
      expect(message).toMatchObject({ round: 3, client: 7, step: 2, shape });
      for (const value of features.data) if (value !== 0) expect(message.values).not.toContain(value);
    }
    const exchange = { activation: shape.slice(1), split: { drop: 0 }, batchSize: ROWS };
    const counted = exchangedBytes(exchange, { examples: ROWS, steps: 1 }, "float64");
    const sizes = messages.map(({ length }) => length) as [number, number, number, number];
    expect(counted.bytesUp).toBe(sizes[0] + sizes[2]);
    expect(counted.bytesDown).toBe(sizes[1] + sizes[3]);
    expect(counted.largestMessage).toBe(Math.max(...sizes));
    await server.close();
    await client.close();
  });

  it("counts what both sides compute", () => {
    const model = vit(4);
    const cut = { headBlocks: 1, tailBlocks: 1 };
    const programs = splitPrograms(model, cut, ROWS, new Set(["prompts.weight"]));
    const flops = (program: typeof programs.head) => countFlops(program, { symbols: {} });
    expect(flops(programs.bodyBackward)).toBeGreaterThan(flops(programs.body));
    expect(flops(programs.headBackward!)).toBeGreaterThan(flops(programs.head));
    // two blocks against one and the patches
    expect(flops(programs.body)).toBeGreaterThan(1.5 * flops(programs.head));
  });
});

describe("messages of split training", () => {
  const message = {
    kind: "activations",
    round: 1,
    client: 2,
    step: 0,
    shape: [1, 2],
    values: Float32Array.of(1, 2),
  } as const;
  const file = (tensors: object, metadata: object) =>
    encodeSafetensors(
      {
        numbers: { shape: [3], data: Float64Array.of(1, 2, 0) },
        values: { shape: [1], data: Float32Array.of(1) },
        ...tensors,
      },
      { anabranch: "split", version: "1", kind: "activations", ...metadata },
    );

  it("come back as they were", () => {
    for (const kind of SPLIT_MESSAGES)
      expect(decodeSplitMessage(encodeSplitMessage({ ...message, kind }))).toEqual({ ...message, kind });
  });

  it.each<[string, object, object, string]>([
    ["labels", { labels: { shape: [1], data: Uint8Array.of(1) } }, {}, "protocol/invalid"],
    ["features", { features: { shape: [1], data: Float32Array.of(1) } }, {}, "protocol/invalid"],
    ["unknown metadata", {}, { label: "1" }, "protocol/invalid"],
    ["another kind", {}, { kind: "labels" }, "protocol/invalid"],
    ["integers", { values: { shape: [1], data: Uint8Array.of(1) } }, {}, "protocol/invalid"],
    ["a negative step", { numbers: { shape: [3], data: Float64Array.of(1, 2, -1) } }, {}, "protocol/invalid"],
    ["another file", {}, { anabranch: "update" }, "protocol/kind"],
    ["another version", {}, { version: "9" }, "protocol/version"],
  ])("are refused with %s", (_what, tensors, metadata, code) => {
    expect(() => decodeSplitMessage(file(tensors, metadata))).toThrow(expect.objectContaining({ code }));
  });

  it.each([
    [24, 5, 0.2, 5],
    [24, 8, 0.5, 7],
    [3, 8, 0.2, 4],
    [16, 8, 0, 3],
    [9, 4, 0.9, 3],
  ])("of %i examples in batches of %i, dropping %d, weigh in %i steps what the formula says", (examples, batchSize, drop, steps) => {
    const activation = [6, 4];
    const exchange = { activation, split: { drop }, batchSize };
    const { bytesUp, bytesDown } = exchangedBytes(exchange, { examples, steps }, "float32");
    // rows as they are planned, by their own count
    const kept = examples - Math.floor(drop * examples + 1e-9);
    const batches = planBatches(kept, batchSize, { localSteps: steps }, rootKey(1));
    const rows = Array.from({ length: steps }, (_, step) =>
      Array.from(batches.weights.subarray(step * batchSize, (step + 1) * batchSize)).filter((weight) => weight > 0),
    ).map(({ length }) => length);
    const samples = rows.reduce((a, b) => a + b, 0);
    const sizes = { keptSamples: samples, activationFloats: 24, tailFloats: 0, promptFloats: 0 };
    const { phase2 } = splitTraffic(sizes);
    const empty = rows.flatMap((row) =>
      SPLIT_MESSAGES.map((kind) => {
        const values = new Float32Array(row * 24);
        const { length } = encodeSplitMessage({ ...message, kind, shape: [row, 6, 4], values });
        return length - values.byteLength;
      }),
    );
    expect(bytesUp + bytesDown).toBe(phase2 + empty.reduce((a, b) => a + b, 0));
    expect(bytesUp + bytesDown - phase2).toBeLessThan(400 * 4 * steps);
  });
});

describe("a server of split training", () => {
  it("refuses gradients of activations that it has not seen, and its own answers", async () => {
    const model = vit(3);
    const session = { headBlocks: 1, tailBlocks: 1, rows: 1, trained: ["head.bias"] };
    const { answer, close } = await splitServer(model, session, valuesOf(model), interpreter());
    const values = new Float64Array(36);
    const send = (kind: (typeof SPLIT_MESSAGES)[number]) =>
      answer(encodeSplitMessage({ kind, round: 1, client: 0, step: 0, shape: [1, 6, 6], values }));
    await expect(send("output-gradient")).rejects.toMatchObject({ code: "protocol/kind" });
    await send("activations");
    await expect(send("outputs")).rejects.toMatchObject({ code: "protocol/kind" });
    await send("output-gradient");
    await expect(send("output-gradient")).rejects.toMatchObject({ code: "protocol/kind" });
    await close();
  });

  it("keeps one batch of each client, and refuses activations of another shape", async () => {
    const model = vit(3);
    const session = { headBlocks: 1, tailBlocks: 1, rows: 1, trained: ["head.bias"] };
    const { answer, close } = await splitServer(model, session, valuesOf(model), interpreter());
    const values = new Float64Array(36);
    const send = (kind: (typeof SPLIT_MESSAGES)[number], client: number, step: number, shape = [1, 6, 6]) =>
      answer(encodeSplitMessage({ kind, round: 1, client, step, shape, values }));
    await send("activations", 0, 0);
    await send("activations", 1, 0);
    await send("activations", 0, 1);
    await expect(send("output-gradient", 0, 0)).rejects.toMatchObject({ code: "protocol/kind" });
    for (const shape of [
      [1, 36],
      [2, 3, 6],
    ])
      await expect(send("activations", 0, 2, shape)).rejects.toMatchObject({ code: "protocol/invalid" });
    await send("output-gradient", 1, 0);
    await send("output-gradient", 0, 1);
    await close();
  });
});
