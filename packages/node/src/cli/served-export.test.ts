import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeSafetensors } from "@anabranch/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { callCommand } from "./testing/call-command.ts";

const CONFIG = `
rounds = 2
[data]
dataset = "synthetic"
clients = 3
synthetic = { shape = [4], classes = 3, testExamples = 20 }
[model]
name = "mlp"
hidden = [6]
[algorithm]
name = "fedloge"
classifierSteps = 5
[training]
localSteps = 1
[sampler]
cohort = 3
[execution]
executor = "interpreter"
workers = 1
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-served-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("exports the model that was evaluated, where training continues with another", async () => {
  const [config, runs, file] = ["c.toml", "runs", "m.safetensors"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(config, CONFIG);
  expect(await callCommand("run", config, "--runs", runs, "--quiet")).toMatchObject({ code: 0 });
  expect(await callCommand("export", "last", "--runs", runs, "--safetensors", "-o", file)).toMatchObject({ code: 0 });
  const run = (await readdir(runs, { withFileTypes: true })).find((entry) => entry.isDirectory())!.name;
  const tensors = async (path: string) => decodeSafetensors(await readFile(path), path).tensors;
  expect(await tensors(file)).toEqual(await tensors(join(runs, run, "model.safetensors")));
});
