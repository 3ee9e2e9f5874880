import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { deriveKey, permutation, randomStream, rootKey } from "../random/index.ts";

/** Examples that the server keeps where the configuration does not say, as in the paper. */
const USUAL_ROOT = 100;

/** Examples of the server's own data; 0 for rules that need none. */
export function rootSize({ aggregation }: Config): number {
  return aggregation.rule === "fltrust" ? (aggregation.root ?? USUAL_ROOT) : 0;
}

/**
 * Takes the server's own examples out of those of the clients, at random; no client loses its last one. Returns the rows of
 * the clients and, behind them, those of the server. Throws `config/conflict` where the data are too few.
 */
export function withRoot(config: Config, clients: readonly Int32Array[]): readonly Int32Array[] {
  const size = rootSize(config);
  if (size === 0) return clients;
  const rows = clients.flatMap((owned, client) => Array.from(owned, (row) => ({ row, client })));
  const left = clients.map(({ length }) => length);
  const order = permutation(randomStream(deriveKey(rootKey(config.seed), "root")), rows.length);
  const root = new Set<number>();
  for (const place of order) {
    const { row, client } = rows[place]!;
    if (root.size === size || left[client]! <= 1) continue;
    left[client]! -= 1;
    root.add(row);
  }
  if (root.size < size) {
    throw conflict(
      "aggregation.root",
      `${size}, of ${rows.length} training examples`,
      `at most ${root.size}`,
      "Every client keeps at least one example: lower aggregation.root.",
    );
  }
  return [...clients.map((owned) => owned.filter((row) => !root.has(row))), Int32Array.from(root).sort()];
}

/** Refuses a rule that needs examples of the server where clients' examples are generated one by one. */
export function requireNoRoot(config: Config): void {
  if (rootSize(config) === 0) return;
  throw conflict(
    "aggregation.rule",
    '"fltrust", with generated data',
    "a rule without data of the server",
    "Examples can be taken out of a data set that lies in memory: set data.dataset to one, or choose another rule.",
  );
}
