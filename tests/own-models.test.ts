import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { simulate } from "@anabranch/node";
import { describe, expect, it } from "vitest";
import { command } from "../packages/node/src/cli/testing/spawn-command.ts";
import { type Case, config, DATA, failure, file, folder, METHOD, MODEL } from "./own-file-fixtures.ts";

/** Mistakes in own models and data sets, and what the command prints of those in own files. */
const models: readonly Case[] = [
  [
    "a number as outputs",
    ["network.apply(parameters, x, context)", "7"],
    "model/tensor",
    "forward(...)",
    /the number 7/,
  ],
  [
    "one loss for all examples",
    ["forward:", "losses: (outputs) => outputs, forward:"],
    "model/shape",
    "losses(...)",
    /one number per example/,
  ],
  [
    "a role that there is not",
    ["network.parameters,", "network.parameters.map((p) => ({ ...p, role: 'matrx' })),"],
    "model/parameter",
    "parameters[0].role",
    /Did you mean "matrix"/,
  ],
  [
    "an initializer that is a number",
    ["network.parameters,", "network.parameters.map((p) => ({ ...p, initialize: 0 })),"],
    "model/parameter",
    "parameters[0].initialize.kind",
    /received nothing/,
  ],
  [
    "parameters of no shape",
    ["network.parameters,", "network.parameters.map((p) => ({ ...p, shape: [NaN] })),"],
    "model/shape",
    "parameters[0].shape",
    /\[NaN\]/,
  ],
  [
    "parameters that are no list",
    ["network.parameters,", "{},"],
    "model/parameters",
    "parameters",
    /an object with nothing/,
  ],
  [
    "an element type that there is not",
    ["dtype: inputType", "dtype: 'float32'"],
    "model/features",
    "features.dtype",
    /Did you mean "float"/,
  ],
];

describe("an own model", () => {
  it("is told shape, types and classes of the data, and may do without", async () => {
    const told = await simulate(await config({ model: { file: await file(MODEL), hidden: 4 } }), { workers: 0 });
    expect(told.stopped).toBe("finished");
    const alone = await file(
      MODEL,
      [", { input, inputType, labelType, classes } = {}", ""],
      ["=> {", '=> { const [input, inputType, labelType, classes] = [[5], "float", "uint8", 3];'],
    );
    const untold = await simulate(await config({ model: { file: alone, hidden: 4 } }), { workers: 0 });
    expect(untold.modelHash).toBe(told.modelHash);
  });

  it.each(models)("with %s is refused by file, part and name", async (_what, replaced, code, part, message) => {
    const path = await file(MODEL, replaced);
    const error = await failure({ model: { file: path } });
    expect([error.code, error.failure.where], error.message).toEqual([code, `${path}, ${part}`]);
    expect(error.message).toMatch(message);
  });

  it("that lacks a member is refused with the nearest name", async () => {
    const path = await file(MODEL, ["forward:", "foward:"]);
    expect((await failure({ model: { file: path } })).failure).toMatchObject({
      code: "local/export",
      advice: 'Did you mean "forward" instead of "foward"?',
    });
  });

  it("that throws, or whose tensors do not fit together, is reported by file and line", async () => {
    const throws = await file(MODEL, ["network.apply(", "nothing.apply("]);
    expect((await failure({ model: { file: throws } })).failure).toMatchObject({
      code: "local/failed",
      where: expect.stringMatching(`^${throws}:7:`),
    });
    const unfit = await file(MODEL, ['nn.dense("a", input[0]', 'nn.dense("a", input[0] + 1']);
    expect((await failure({ model: { file: unfit } })).failure).toMatchObject({
      code: "local/failed",
      where: expect.stringMatching(`^${unfit}:7:`),
    });
  });

  it("with an option that it does not read is refused", async () => {
    expect(await failure({ model: { file: await file(MODEL), hiden: 3 } })).toMatchObject({
      code: "local/unknown-option",
      failure: { advice: 'Did you mean "hidden"?' },
    });
  });
});

describe("an own data set", () => {
  it.each([
    ["throws", ["part(12)", "nothing"], "local/failed", /ReferenceError: nothing/],
    ["throws nothing", ["part(12)", "(() => { throw null; })()"], "local/failed", /received null/],
    [
      "throws while it is looked at",
      ["test: part(6)", "get test() { throw new Error('no'); }"],
      "local/failed",
      /Error: no/,
    ],
    ["has an element type that there is not", ['"float"', '"float32"'], "local/export", /Did you mean "float"/],
    ["has an array of another type", ["Float32Array.from", "Array.from"], "local/export", /train/],
    [
      "has bytes where floats should be",
      ["Float32Array.from", "Uint8Array.from"],
      "local/export",
      /"float" with a Uint8Array/,
    ],
    ["has fewer labels", ["shape: [n], data", "shape: [n + 1], data"], "data/shape", /own-\d+\.mjs, data set mine/],
  ] as const)("that %s is reported by its file", async (_what, replaced, code, message) => {
    const path = await file(DATA, replaced);
    const error = await failure({ data: { file: path } });
    expect(error.code, error.message).toBe(code);
    expect(error.failure.where).toContain(path);
    expect(error.message).toMatch(message);
  });
});

it("the command ends with 2, names the file, and leaves no run behind", async () => {
  const toml = async (path: string) => {
    const text = `[algorithm]\nfile = "${path}"\n[data]\nfile = "${await file(DATA)}"\nclients = 3\npartition.scheme = "iid"\n`;
    await writeFile(join(folder, "own.toml"), `${text}[model]\nname = "logistic"\n[sampler]\ncohort = 2\n`);
    return command(folder, "run", "own.toml");
  };
  const upload = await toml(await file(METHOD, ["update: { delta:", "update: { delt:"]));
  expect(upload.code).toBe(2);
  expect(upload.stderr).toMatch(/^error method\/upload: [^\n]*\n +where +\S+own-\d+\.mjs, local\.end/);
  const thrown = await toml(await file(METHOD, ["direction: delta }", "direction: nothing.at.all }"]));
  expect(thrown.code).toBe(2);
  expect(thrown.stderr).toMatch(
    /^error local\/failed: update\(\.\.\.\) of a method has failed\n +where +\S+own-\d+\.mjs:19:/,
  );
  expect(thrown.stderr).not.toContain("bug in Anabranch");
  expect(await readdir(folder)).not.toContain("runs");
});
