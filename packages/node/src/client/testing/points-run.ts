import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ConfigInput, forLiveClients, prepareRun, resolveConfig } from "@anabranch/core";
import { describeTask } from "@anabranch/core/live";
import type { Executor } from "@anabranch/engine";
import { loadDataset } from "../../data/load-dataset.ts";

/** Rows of points around three corners, as a CSV file. */
export function pointsCsv(rows: number, from = 0, names: readonly string[] = ["north", "south", "west"]): string {
  const lines = Array.from({ length: rows }, (_, i) => {
    const label = (from + i) % names.length;
    return `${Math.sin(7 * (from + i)) + label},${Math.cos(5 * (from + i)) - label},${names[label]}`;
  });
  return ["x,y,label", ...lines].join("\n");
}

/** The same as a module, which is loaded faster: files are read in a process of their own. */
const pointsModule = `
const part = (n, from) => ({
  name: "points",
  features: {
    dtype: "float",
    shape: [n, 2],
    data: Float32Array.from({ length: 2 * n }, (_, i) => Math.sin(7 * from + i) + (((i >> 1) + from) % 3)),
  },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => (i + from) % 3) },
  classes: 3,
  classNames: ["north", "south", "west"],
});
export default () => ({ train: part(120, 0), test: part(24, 500) });
`;

/** A small run over a data set in a folder, prepared as a server does it. */
export async function pointsRun(folder: string, executor: Executor, more: ConfigInput = {}) {
  const path = join(folder, "points.ts");
  await writeFile(path, pointsModule);
  const dataset = `module:${path}`;
  const config = resolveConfig({
    rounds: 3,
    seed: 5,
    model: { name: "mlp", hidden: [4] },
    algorithm: { name: "scaffold" },
    training: { batchSize: 4, localSteps: 3, learningRate: 0.1 },
    sampler: { cohort: 3 },
    ...more,
    data: { dataset, clients: 3, partition: { scheme: "dirichlet", alpha: 1 }, ...more.data },
  });
  const { name, version, float } = executor;
  const data = await loadDataset(dataset);
  const prepared = prepareRun(config, data, { name, version, float, fingerprint: "" }, 0, "abc234");
  return { config, prepared, description: describeTask(config, forLiveClients(prepared, config)), dataset };
}
