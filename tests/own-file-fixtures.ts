import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AnabranchError, type ConfigInput, resolveConfig } from "@anabranch/core";
import { openSimulation } from "@anabranch/node";
import { afterAll, beforeAll, expect } from "vitest";

/** Own models, methods and data sets for tests of mistakes in them: files that work, and a way to change a piece. */
export let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "anabranch-own-")));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

export const METHOD = `import { combine, defineMethod, localSgd, MODEL, modelDelta, SCALAR, stepFrom, uniformMean, vectors } from "@anabranch/core";
import { mul, sub } from "@anabranch/engine";
import * as z from "zod";
export default defineMethod({
  name: "mine",
  options: z.strictObject({ damping: z.number().max(1).default(0.5) }),
  build: ({ damping }) => vectors({
    server: { parameters: MODEL, direction: MODEL },
    upload: { delta: uniformMean(MODEL) },
    broadcast: ["parameters", "direction"],
    computed: { half: SCALAR },
  }).method({
    start: (parameters) => ({ direction: parameters.map(() => 0) }),
    compute: (server, { round }) => ({ half: round / 2 }),
    local: localSgd({
      direction: (g, y, local) => combine((a, b) => mul(sub(a, b), damping), g, local.broadcast.direction),
      result: (y, local) => ({ update: { delta: modelDelta(y, local) }, state: {} }),
    }),
    update: ({ parameters }, { delta }, { round }) => ({ parameters: stepFrom(parameters, 1, delta), direction: delta }),
  }),
});
`;
export const MODEL = `import { classification } from "@anabranch/core";
import { cast, nn } from "@anabranch/engine";
export default ({ hidden = 3 } = {}, { input, inputType, labelType, classes } = {}) => {
  const network = nn.sequential(nn.dense("a", input[0], hidden), nn.relu, nn.dense("b", hidden, classes, { head: true }));
  return { name: "mine", parameters: network.parameters, masks: network.masks,
    features: { dtype: inputType, shape: input }, labels: { dtype: labelType, shape: [] }, ...classification(classes),
    forward: (parameters, x, context) => network.apply(parameters, x, context) };
};
`;
export const DATA = `const part = (n) => ({ name: "mine", classes: 3,
  features: { dtype: "float", shape: [n, 5], data: Float32Array.from({ length: 5 * n }, (_, i) => i / 60) },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => i % 3) } });
export default () => ({ train: part(12), test: part(6) });
`;

export async function file(text: string, ...replaced: readonly (readonly [string, string])[]): Promise<string> {
  const changed = replaced.reduce((now, [from, to]) => {
    expect(now).toContain(from);
    return now.replace(from, () => to);
  }, text);
  const path = join(folder, `own-${count++}.mjs`);
  await writeFile(path, changed);
  return path;
}

export async function config(more: ConfigInput = {}): Promise<ConfigInput> {
  return {
    rounds: 2,
    ...more,
    data: { file: await file(DATA), clients: 3, partition: { scheme: "iid" }, ...more.data },
    model: { name: "logistic", ...more.model },
    sampler: { cohort: 2 },
    training: { batchSize: 2 },
  };
}

export async function failure(more: ConfigInput): Promise<AnabranchError> {
  const error = await openSimulation(resolveConfig(await config(more)), "t", { workers: 0 }).then(
    () => new Error("nothing failed"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof AnabranchError)) throw error;
  return error;
}

export type Replacement = readonly [string, string];
/** What is wrong, the code, where below the file, and what the message says. */
export type Case = readonly [what: string, replaced: Replacement, code: string, where: string, message: RegExp];
