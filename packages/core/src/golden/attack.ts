import { AnabranchError } from "@anabranch/engine";
import * as z from "zod";
import { alieFactor } from "../adversary/alie-factor.ts";
import { flippedLabel } from "../adversary/label-map.ts";
import { learnMimic, mimicMemory, mimicTarget } from "../adversary/mimic.ts";
import { optimisedAlie, optimisedIpm, type Search } from "../adversary/optimised-attacks.ts";
import { meanOf } from "../adversary/statistics.ts";
import { alie, directions, minMax, minSum, signFlip } from "../adversary/update-attacks.ts";
import { aggregate, type RobustRule } from "../aggregation/robust/index.ts";
import { ruleSchema } from "./aggregate.ts";
import { notThere, type Operation } from "./operation.ts";
import { vector, vectorList } from "./quadratic-problem.ts";

const attackers = z.int().min(0);
const sign = z.union([z.literal(-1), z.literal(1)]).default(-1);
const searched = { rule: ruleSchema, evaluations: z.int().min(1).default(16) };
const direction = z.enum(directions).default("std");
const classOf = z.int().min(0);

const optionsOf = z.discriminatedUnion("name", [
  z.strictObject({
    name: z.literal("sign-flip"),
    scale: z.number().min(0).default(1),
    knowledge: z.enum(["omniscient", "own"]).default("omniscient"),
  }),
  z.strictObject({ name: z.literal("ipm"), epsilon: z.number().min(0) }),
  z.strictObject({ name: z.literal("alie"), z: z.number().optional(), sign }),
  z.strictObject({ name: z.enum(["min-max", "min-sum"]), direction }),
  z.strictObject({ name: z.literal("mimic"), target: z.int().min(0).optional(), direction: vector.optional() }),
  z.strictObject({ name: z.literal("optimised-ipm"), ...searched }),
  z.strictObject({ name: z.literal("optimised-alie"), ...searched, sign }),
  z.strictObject({
    name: z.literal("label-flip"),
    map: z.union([z.enum(["mirror", "next"]), z.strictObject({ from: classOf, to: classOf })]),
  }),
]);
type Options = z.infer<typeof optionsOf>;

const honestOf = z.object({ honest: vectorList, f: attackers, n: z.int().min(1).optional() });
const ownOf = z.object({ own: vectorList, f: attackers });
const roundsOf = z.object({ honest: z.array(vectorList).min(1), f: attackers });
const labelsOf = z.object({ labels: z.array(classOf), classes: z.int().min(1) });

/** `vectors` that the attackers send, or `labels` that they train on; `z`, `factor` and `target` where one is chosen. */
export const attackOperation: Operation = {
  async run(input, given) {
    const options = optionsOf.parse(given);
    if (options.name === "label-flip") {
      const { labels, classes } = labelsOf.parse(input);
      return { labels: labels.map((label) => flippedLabel(label, classes, options.map)) };
    }
    if (options.name === "sign-flip" && options.knowledge === "own") {
      const { own } = ownOf.parse(input);
      return { vectors: own.map((update) => Array.from(signFlip(Float64Array.from(update), options.scale))) };
    }
    if (options.name === "mimic" && options.target === undefined) return learnedMimic(input, options.direction);
    const { honest, f } = honestOf.parse(input);
    const { vector: crafted, ...chosen } = craft(options, honest.map(toVector), f);
    return { ...chosen, vectors: Array.from({ length: f }, () => Array.from(crafted)) };
  },
};

function craft(options: Options, honest: readonly Float64Array[], f: number): { vector: Float64Array } {
  switch (options.name) {
    case "sign-flip":
      return { vector: signFlip(meanOf(honest), options.scale) };
    case "ipm":
      return { vector: signFlip(meanOf(honest), options.epsilon) };
    case "alie": {
      const factor = options.z ?? alieFactor(honest.length + f, f);
      return { vector: alie(honest, factor, options.sign), ...{ z: factor } };
    }
    case "min-max":
      return minMax(honest, options.direction);
    case "min-sum":
      return minSum(honest, options.direction);
    case "mimic":
      return { vector: copyOf(honest, options.target!), ...{ target: options.target } };
    case "optimised-ipm":
      return optimisedIpm(honest, searchOf(options, f));
    case "optimised-alie":
      return optimisedAlie(honest, searchOf(options, f), options.sign);
    default:
      throw notThere(`attack with ${options.name}`);
  }
}

function copyOf(honest: readonly Float64Array[], target: number): Float64Array {
  const copied = honest[target];
  if (copied !== undefined) return copied;
  throw new AnabranchError({
    code: "attack/target",
    message: "there is no such honest client",
    where: "target",
    received: String(target),
    expected: `0 to ${honest.length - 1}`,
  });
}

function learnedMimic(input: unknown, direction: readonly number[] | undefined): object {
  const { honest, f } = roundsOf.parse(input);
  let memory = mimicMemory(toVector(vector.parse(direction)));
  for (const round of honest) memory = learnMimic(memory, round.map(toVector));
  const last = honest.at(-1)!;
  const target = mimicTarget(memory, last.map(toVector));
  return { direction: Array.from(memory.direction), target, vectors: Array.from({ length: f }, () => last[target]!) };
}

function searchOf(
  { rule, evaluations }: { readonly rule: RobustRule; readonly evaluations: number },
  attackers: number,
): Search {
  return { attackers, evaluations, rule: (updates) => aggregate(rule, updates).aggregate };
}

function toVector(values: readonly number[]): Float64Array {
  return Float64Array.from(values);
}
