import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import type { Warning } from "../round/backend.ts";
import type { Federation } from "./federation.ts";

/** What a private run says of its test metrics. */
export interface TestRowsNotes {
  readonly testOnClients: boolean;
  readonly assumptions: readonly string[];
  readonly warnings: readonly Warning[];
}

/**
 * Epsilon is about the models that are released. Metrics on a test set that holds clients' examples are not noised, so a
 * private run must not act on them. Throws `config/conflict` for a stop that would.
 */
export function privateTestRows(config: Config, { testRows }: Federation): TestRowsNotes {
  const { every } = config.evaluation;
  if (testRows === "separate" || every === 0) return { testOnClients: false, assumptions: [], warnings: [] };
  if (testRows === undefined) {
    const assumed = "test metrics: the test set is assumed to contain no client data";
    return { testOnClients: false, assumptions: [assumed], warnings: [] };
  }
  requireNoStop(config);
  const why = "the test examples are the clients' own";
  const message = `Epsilon does not cover test accuracy and loss: ${why}. They stay out of the model card, no best model is kept by them, and the files that have them are for the operator alone. To release them, give a test set that is nobody's data here, e.g. csv:PATH?test=PATH.`;
  return {
    testOnClients: true,
    assumptions: [`test metrics: epsilon does not cover them (${why})`],
    warnings: [{ code: "privacy/test-rows", message }],
  };
}

function requireNoStop({ stop }: Config): void {
  const key = stop.patience > 0 ? "patience" : stop.targetAccuracy === undefined ? undefined : "targetAccuracy";
  if (key === undefined) return;
  throw conflict(
    `stop.${key}`,
    `${stop[key]}, with [privacy] and test examples that are the clients' own`,
    key === "patience" ? "0" : "nothing",
    "The round at which the run stops would leak what epsilon does not cover. Remove the stop, or use a test set without client data, e.g. csv:PATH?test=PATH.",
  );
}
