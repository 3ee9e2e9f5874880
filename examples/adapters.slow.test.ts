import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeSafetensors } from "@anabranch/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callCommand } from "../packages/node/src/cli/testing/call-command.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adapters-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a configuration for a moment and exports its model, as the heads of the files say. */
async function trained(file: string, ...set: string[]) {
  const steps = file.startsWith("experiments") ? ["training.localSteps=2", "training.batchSize=4"] : [];
  const short = ["rounds=1", "evaluation.every=0", ...steps, ...set];
  const runs = ["--runs", join(folder, "runs"), "--json"];
  const ran = await callCommand("run", file, ...runs, "--workers", "0", ...short.flatMap((one) => ["--set", one]));
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  const { run } = JSON.parse(ran.stdout.trim().split("\n").at(-1)!) as { run: string };
  const path = join(folder, `${run}.safetensors`);
  expect(await callCommand("export", run, ...runs, "--output", path)).toMatchObject({ code: 0, stderr: "" });
  return { path, tensors: decodeSafetensors(await readFile(path), path).tensors };
}

describe("adapters on a base of our own", () => {
  it.each([
    ["examples/adapters-base.toml", "examples/adapters.toml"],
    ["experiments/adapters/vision-base.toml", "experiments/adapters/vision.toml"],
    ["experiments/adapters/speakers-base.toml", "experiments/adapters/speakers.toml"],
    ["experiments/adapters/instructions-base.toml", "experiments/adapters/instructions.toml"],
  ])("%s makes the same base twice, and clients of %s change the weights of its dense layers alone", async (base, adapted) => {
    const [first, second] = [await trained(base), await trained(base)];
    expect(second.tensors).toEqual(first.tensors);
    const { tensors } = await trained(adapted, `model.initialWeights=${first.path}`, "adapters.rank=4");
    const names = Object.keys(first.tensors);
    expect(Object.keys(tensors)).toEqual(names);
    const valuesOf = (of: typeof tensors, name: string) => Array.from(of[name]!.data, Number).join();
    const changed = names.filter((name) => valuesOf(tensors, name) !== valuesOf(first.tensors, name));
    const isDense = (name: string) => name.endsWith(".weight") && !/^(tokens|positions)\./.test(name);
    expect(changed).toEqual(names.filter(isDense));
  });
});
