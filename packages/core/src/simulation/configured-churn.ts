import type { Config } from "../config/index.ts";
import { deriveKey, randomStream, rootKey } from "../random/index.ts";
import { type Churn, drawnChurn, unsteadyChurn } from "../selection/churn.ts";

/** The clients that stop answering in a configuration; undefined where none do. */
export function configuredChurn({ churn: settings, seed }: Config, clients: number): Churn | undefined {
  if (settings.share === 0) return undefined;
  const key = deriveKey(rootKey(seed), "churn");
  return settings.per === "round" ? unsteadyChurn(settings, key) : drawnChurn(clients, settings, key);
}

/** Random names of nodes that find each other by hashes, 64 bits each, in hexadecimal digits. */
export function nodeIds(seed: number, nodes: number): readonly string[] {
  const stream = randomStream(deriveKey(rootKey(seed), "node-ids"));
  const word = () => stream.uint32().toString(16).padStart(8, "0");
  return Array.from({ length: nodes }, () => word() + word());
}
