import { encodingFault } from "../codecs/index.ts";
import type { Layout } from "../params/layout.ts";
import type { Update } from "../protocol/message.ts";
import type { RunPlan } from "./run-plan.ts";

/** Why an update counts as a failure of its client. */
export interface UpdateDefect {
  readonly code: string;
  readonly message: string;
}

/** An update of another model. */
export function layoutDefect({ layoutHash }: Update, { hash }: Layout): UpdateDefect | undefined {
  if (layoutHash === hash) return undefined;
  const message = `the update belongs to another model: layout ${layoutHash}, expected ${hash}`;
  return { code: "update/layout", message };
}

/**
 * What is wrong with an update as a failure of its client, undefined where it can be summed: another model's layout,
 * another part of the exchange than the client was given, a vector that is missing, has another length or cannot be
 * decoded, an impossible weight. Structure is checked once, here.
 */
export function defectOf(
  update: Update,
  { layout, exchange }: Pick<RunPlan, "layout" | "exchange">,
  assigned?: number,
): UpdateDefect | undefined {
  const stranger = layoutDefect(update, layout);
  if (stranger !== undefined) return stranger;
  const { part } = update.public;
  if (part !== assigned) {
    const message = `the update holds part ${part ?? "none"} of the vectors, its client was given ${assigned ?? "none"}`;
    return { code: "update/part", message };
  }
  for (const [name, { layout: whole, codec }] of Object.entries(exchange.up)) {
    const expected = part === undefined ? whole : exchange.parts![part]![name]!;
    const vector = update.vectors[name];
    if (vector !== undefined && codec !== undefined) {
      const fault = encodingFault(codec, expected, vector);
      if (fault === undefined) continue;
      return { code: "update/codec", message: `the vector "${name}" is not what ${codec.name} writes: ${fault}` };
    }
    if (vector?.length === expected.size) continue;
    const received = vector === undefined ? "none" : `${vector.length} elements`;
    return {
      code: "update/shape",
      message: `the vector "${name}" has ${expected.size} elements; received ${received}`,
    };
  }
  const { weight } = update.public;
  if (weight >= 0 && weight < Number.POSITIVE_INFINITY) return undefined;
  return { code: "update/weight", message: `the weight of an update is a finite number of at least 0, not ${weight}` };
}
