import type { Algorithm } from "../algorithms/algorithm.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";

/** Refuses what is not made for tasks that come one after the other. Throws `config/conflict`. */
export function requireStreamed({ taskStream: { kind } }: Config, { name, privacy, forTasks }: Algorithm): void {
  const refuse = (received: string, expected: string, advice: string): never => {
    throw conflict("taskStream.kind", `"${kind}", with ${received}`, expected, advice);
  };
  if (kind === "none") {
    if (forTasks !== undefined)
      refuse(`algorithm.name = "${name}"`, "a stream of tasks", 'Set taskStream.kind, e.g. to "permuted-pixels".');
    return;
  }
  if (privacy?.unit === "records")
    refuse("record-level privacy", '"none"', "Its noise is for clients that have the same records in every round.");
}
