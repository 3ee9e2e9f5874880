import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callCommand } from "../packages/node/src/cli/testing/call-command.ts";
import { readText } from "./source-files.ts";

/** The files of docs/pytorch-models.md, with weights in PyTorch's layout, against plain loops over that layout. */
const guide = readText("docs/pytorch-models.md");
const block = (language: string) => new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "ms").exec(guide)![1]!;

let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-pytorch-"));
  await writeFile(at("net.ts"), block("ts"));
  await writeFile(at("federation.toml"), block("toml"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The state dict of the guide's network, as its Python prints it. Kernels [o, i, h, w], dense weights [o, i]. */
const shapes = {
  "conv1.weight": [8, 1, 5, 5],
  "conv1.bias": [8],
  "norm1.weight": [8],
  "norm1.bias": [8],
  "fc1.weight": [32, 8 * 12 * 12],
  "fc1.bias": [32],
  "fc2.weight": [10, 32],
  "fc2.bias": [10],
} as const;
type Name = keyof typeof shapes;
type State = Record<Name, Float32Array>;

/** Multiples of 1/64 below 1, which float16 and bfloat16 represent, too. */
const state = Object.fromEntries(
  Object.entries(shapes).map(([name, shape], seed) => {
    const size = (shape as readonly number[]).reduce((a, b) => a * b, 1);
    let word = 12345 + seed;
    const next = () => {
      word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
      return ((word >>> 25) - 64) / 64 / (name.startsWith("fc1") ? 16 : 1);
    };
    return [name, Float32Array.from({ length: size }, next)];
  }),
) as State;

type Element = "F32" | "F16" | "BF16";

/** A safetensors file as PyTorch writes it: names sorted, without metadata. */
function safetensors(
  tensors: Readonly<Record<string, Float32Array>>,
  shapeOf: (name: string) => readonly number[],
  dtype: Element,
) {
  const size = dtype === "F32" ? 4 : 2;
  const header: Record<string, unknown> = {};
  const names = Object.keys(tensors).sort();
  let end = 0;
  for (const name of names) {
    const begin = end;
    end += tensors[name]!.length * size;
    header[name] = { dtype, shape: shapeOf(name), data_offsets: [begin, end] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + end);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, json.length, true);
  bytes.set(json, 8);
  let offset = 8 + json.length;
  for (const value of names.flatMap((name) => [...tensors[name]!])) {
    if (dtype === "F32") view.setFloat32(offset, value, true);
    else view.setUint16(offset, dtype === "F16" ? float16(value) : bfloat16(value), true);
    offset += size;
  }
  return bytes;
}

function bfloat16(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0]! >>> 16;
}

/** Of a value that has 11 significant bits or fewer and is 0 or at least 2^-14. */
function float16(value: number): number {
  if (value === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  const significand = (Math.abs(value) / 2 ** exponent - 1) * 1024;
  return (value < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | significand;
}

/** The forward pass of the guide's Python, in plain loops. */
function logits(s: State, pixels: Uint8Array): number[] {
  const x = Array.from(pixels, (byte) => (byte / 255 - 0.5) / 0.5);
  const maps = Array.from({ length: 8 }, (_, o) =>
    Array.from({ length: 24 * 24 }, (_, at) => {
      const [row, column] = [Math.floor(at / 24), at % 24];
      let sum = s["conv1.bias"][o]!;
      for (let i = 0; i < 5; i++)
        for (let j = 0; j < 5; j++) sum += s["conv1.weight"][o * 25 + i * 5 + j]! * x[(row + i) * 28 + column + j]!;
      return sum;
    }),
  );
  const pooled: number[] = [];
  for (let channel = 0; channel < 8; channel++) {
    const group = maps.slice(channel < 4 ? 0 : 4, channel < 4 ? 4 : 8).flat();
    const mean = group.reduce((a, b) => a + b, 0) / group.length;
    const variance = group.reduce((a, b) => a + (b - mean) ** 2, 0) / group.length;
    const scale = s["norm1.weight"][channel]! / Math.sqrt(variance + 1e-5);
    const activated = maps[channel]!.map((v) => Math.max(0, (v - mean) * scale + s["norm1.bias"][channel]!));
    for (let row = 0; row < 12; row++)
      for (let column = 0; column < 12; column++)
        pooled.push(Math.max(...[0, 1, 24, 25].map((k) => activated[2 * row * 24 + 2 * column + k]!)));
  }
  const linear = (name: "fc1" | "fc2", input: readonly number[]) =>
    Array.from(s[`${name}.bias`], (bias, o) =>
      input.reduce((sum, value, i) => sum + value * s[`${name}.weight`][o * input.length + i]!, bias),
    );
  return linear(
    "fc2",
    linear("fc1", pooled).map((v) => Math.max(0, v)),
  );
}

/** Trains a round with steps too small to change a weight, exports the model, and runs it on two images. */
async function exported(file: Uint8Array, ...set: readonly string[]): Promise<number[][]> {
  await writeFile(at("net.safetensors"), file);
  const fast = ["rounds=1", "sampler.cohort=1", "training.learningRate=1e-30", "evaluation.every=0", ...set];
  const where = ["--runs", at("runs"), "--json"];
  const args = fast.flatMap((assignment) => ["--set", assignment]);
  const ran = await callCommand("run", at("federation.toml"), ...args, "--workers", "0", ...where);
  expect(ran.code, ran.stderr + ran.stdout.slice(-600)).toBe(0);
  const { folder: run } = JSON.parse(ran.stdout.trim().split("\n").at(-1)!) as { folder: string };
  const written = await callCommand("export", run, "--onnx", "-o", at("net.onnx"), "--force", ...where);
  expect(written.code, written.stderr).toBe(0);
  const session = await InferenceSession.create(await readFile(at("net.onnx")));
  const [input] = session.inputNames;
  const results = await session.run({ [input!]: new Tensor("uint8", images, [2, 1, 28, 28]) });
  const values = [...(Object.values(results)[0]!.data as Float32Array)];
  return [values.slice(0, 10), values.slice(10)];
}

const images = Uint8Array.from({ length: 2 * 784 }, (_, i) => (i * i * 7 + 3 * i) % 256);
const expected = [logits(state, images.subarray(0, 784)), logits(state, images.subarray(784))];

/** Float32 against float64 over sums of 1,152 products. */
function expectClose(found: readonly number[][]): void {
  for (const [row, values] of expected.entries()) {
    const largest = Math.max(...values.map(Math.abs));
    for (const [column, value] of values.entries())
      expect(Math.abs(found[row]![column]! - value) / largest).toBeLessThan(1e-5);
  }
}

describe("the guide to models from PyTorch", { timeout: 120_000 }, () => {
  const shapeOf = (name: string): readonly number[] => shapes[name as Name];

  it.each(["F32", "F16", "BF16"] as const)("gives PyTorch's outputs with weights in %s", async (dtype) => {
    expectClose(await exported(safetensors(state, shapeOf, dtype)));
  });

  it("gives the same outputs of a Sequential, by order", async () => {
    const layers: Record<string, string> = { conv1: "0", norm1: "1", fc1: "5", fc2: "10" };
    const rename = (name: string) => name.replace(/^\w+/, (layer) => layers[layer]!);
    const original = Object.fromEntries(Object.keys(state).map((name) => [rename(name), name as Name]));
    const tensors = Object.fromEntries(Object.entries(original).map(([name, from]) => [name, state[from]]));
    const file = safetensors(tensors, (name) => shapes[original[name]!], "F32");
    expectClose(await exported(file, 'model.initialWeightsMatch="order"'));
  });
});
