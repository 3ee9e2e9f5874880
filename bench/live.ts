import type { BenchOptions, BenchResult } from "./lib/result.ts";
import { acceptedUpdate } from "./live/accepted-update.ts";
import { distance } from "./live/distance.ts";
import { flower } from "./live/flower.ts";
import { largeModel } from "./live/large-model.ts";
import { manyClients } from "./live/many-clients.ts";
import type { Part } from "./live/part.ts";
import { soak } from "./live/soak.ts";
import { twoClients } from "./live/two-clients.ts";

const parts: Readonly<Record<string, (options: BenchOptions) => Promise<Part>>> = {
  round: twoClients,
  clients: manyClients,
  model: largeModel,
  update: acceptedUpdate,
  distance,
  soak,
};
/** Needs Flower, so it runs only where it is named. */
const peers: typeof parts = { flower };

/**
 * The live system: `anabranch serve` in a process of its own, clients over real sockets. `--only` takes one or more of
 * round, clients, model, update, distance, soak (default: all) and flower; other options are those of the parts. Needs
 * Linux.
 */
export async function run(options: BenchOptions): Promise<BenchResult> {
  const names = options.only?.split(",") ?? Object.keys(parts);
  const known = { ...parts, ...peers };
  const unknown = names.filter((name) => !(name in known));
  if (unknown.length > 0) {
    throw new Error(`--only takes ${Object.keys(known).join(", ")}, received "${unknown.join(",")}"`);
  }
  const done: Part[] = [];
  for (const name of names) done.push(await known[name]!(options));
  return {
    name: "live: a server and its clients on this machine",
    rows: done.flatMap(({ rows }) => rows),
    checks: done.flatMap(({ checks }) => checks),
    notes: done.flatMap(({ notes }) => notes),
  };
}
