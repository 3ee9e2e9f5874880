import { AnabranchError, type nn } from "@anabranch/engine";
import { layout } from "../params/layout.ts";
import { selectEntries } from "../params/standing.ts";
import type { Model } from "./model.ts";

/** Which parameters can have an adapter, and in words. */
export interface AdapterKind {
  fits(parameter: nn.ParameterSpec): boolean;
  readonly expected: string;
}

/**
 * The parameters that get adapters, in the order of the model: those that the targets name, or all that can have one. Throws
 * `parameters/unknown`, or `adapters/target` where there is none, or one that is named cannot have one.
 */
export function adapterTargets(
  { name, parameters }: Model,
  given: string | readonly string[],
  { fits, expected }: AdapterKind,
): readonly nn.ParameterSpec[] {
  const targets = typeof given === "string" ? [given] : given;
  const requireSome = (chosen: readonly nn.ParameterSpec[]) => {
    if (chosen.length === 0) throw noTarget(name, expected);
    return chosen;
  };
  if (targets.length === 0) return requireSome(parameters.filter(fits));
  const names = selectEntries(layout(parameters), targets, "adapters.targets");
  const chosen = parameters.filter((parameter) => names.has(parameter.name));
  const named = chosen.find((parameter) => targets.includes(parameter.name) && !fits(parameter));
  if (named !== undefined) {
    throw new AnabranchError({
      code: "adapters/target",
      message: "a parameter cannot have an adapter",
      where: "adapters.targets",
      received: `${named.name}, ${named.role} [${named.shape.join(", ")}]`,
      expected,
    });
  }
  return requireSome(chosen.filter(fits));
}

function noTarget(model: string, expected: string): AnabranchError {
  return new AnabranchError({
    code: "adapters/target",
    message: "no weight of the model gets an adapter",
    where: "adapters.targets",
    received: `model ${model}`,
    expected: `at least one: ${expected}`,
  });
}
