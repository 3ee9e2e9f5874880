import type { Algorithm, Payloads } from "../algorithms/algorithm.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { parameterSelectors } from "../config/parameters-schema.ts";

/** Refuses (`config/conflict`) what a method with seeded directions cannot do. */
export function requireSeeded({ training, parameters }: Config, { name }: Algorithm, { replay }: Payloads): void {
  if (replay === undefined) return;
  const refuse = (key: string, value: unknown, expected: string, advice: string) => {
    throw conflict(key, `${JSON.stringify(value)}, with algorithm.name = "${name}"`, expected, advice);
  };
  for (const key of ["personal", "frozen"] as const) {
    const advice = `Its directions have a number for every parameter. Leave parameters.${key} out.`;
    if (parameterSelectors(parameters)[key].length > 0) refuse(`parameters.${key}`, parameters[key], "nothing", advice);
  }
  const advice = "Its local steps compute no gradients. Leave training.gradientClip out.";
  if (replay.kind !== "blocks" && training.gradientClip > 0)
    refuse("training.gradientClip", training.gradientClip, "0", advice);
}
