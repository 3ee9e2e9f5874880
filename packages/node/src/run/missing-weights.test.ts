import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveConfig } from "@anabranch/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadConfigured } from "./configured.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-weights-"));
});
afterAll(() => rm(folder, { recursive: true }));

const load = () => {
  const config = resolveConfig({ model: { name: "mlp", initialWeights: "vision.safetensors" } });
  return loadConfigured(config, { baseDir: folder });
};

it("weights that are not there are made by the configuration beside them", async () => {
  await expect(load()).rejects.toMatchObject({
    code: "params/unreadable",
    message: expect.stringContaining("A comment in that file may say how"),
  });
  await writeFile(join(folder, "vision-base.toml"), "rounds = 1\n");
  await expect(load()).rejects.toMatchObject({
    message: expect.stringMatching(
      /anabranch run .*vision-base\.toml, then anabranch export last --output .*vision\.safetensors/,
    ),
  });
});
