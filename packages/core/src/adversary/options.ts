import * as z from "zod";
import { directions } from "./update-attacks.ts";

/** An attack as configuration names it. */
export interface AttackEntry {
  /** One sentence for lists and help texts. */
  readonly summary: string;
  /** What attackers change: the rows that they train on, or the update that they send. */
  readonly acts: "data" | "update";
  /** Schema of the options, with their defaults; unknown keys are refused. */
  readonly options: z.ZodType;
}

const sign = z.union([z.literal(-1), z.literal(1)]).default(-1);
const direction = z.enum(directions).default("std");
const evaluations = z.int().min(1).max(64).default(16);
const none = z.strictObject({});
const classNumber = z.int().min(0);

/**
 * All attacks by name.
 *
 * @example
 * ```ts
 * import { attacks } from "@anabranch/core";
 * attacks["sign-flip"].acts; // => "update"
 * attacks["sign-flip"].options.parse({}); // => { scale: 1, knowledge: "own" }
 * ```
 */
export const attacks = {
  "sign-flip": {
    summary: "sends -scale times the own update, or times the mean of the honest ones",
    acts: "update",
    options: z.strictObject({
      scale: z.number().min(0).default(1),
      knowledge: z.enum(["own", "omniscient"]).default("own"),
    }),
  },
  ipm: {
    summary: "inner-product manipulation: -epsilon times the mean of the honest updates",
    acts: "update",
    options: z.strictObject({ epsilon: z.number().min(0).default(0.5) }),
  },
  alie: {
    summary: "a little is enough: the honest mean plus sign * z deviations; z omitted: from the numbers of clients",
    acts: "update",
    options: z.strictObject({ z: z.number().min(0).optional(), sign }),
  },
  "min-max": {
    summary: "as far from the honest mean as two honest updates are apart",
    acts: "update",
    options: z.strictObject({ direction }),
  },
  "min-sum": {
    summary: "as min-max, bounded by the sum of squared distances",
    acts: "update",
    options: z.strictObject({ direction }),
  },
  mimic: {
    summary: "copies one honest client: the given target, or the one that stands out most over the rounds",
    acts: "update",
    options: z.strictObject({ target: z.int().min(0).optional() }),
  },
  "optimised-ipm": {
    summary: "ipm with the factor that moves the server's rule most",
    acts: "update",
    options: z.strictObject({ evaluations }),
  },
  "optimised-alie": {
    summary: "alie with the factor that moves the server's rule most",
    acts: "update",
    options: z.strictObject({ evaluations, sign }),
  },
  gaussian: {
    summary: "sends Gaussian noise",
    acts: "update",
    options: z.strictObject({ mean: z.number().default(0), deviation: z.number().min(0).default(1) }),
  },
  "free-rider": {
    summary: "does not train: sends zeros, or uniform noise in [-noise, noise]",
    acts: "update",
    options: z.strictObject({ noise: z.number().min(0).default(0) }),
  },
  nan: { summary: "sends an update that is not a number", acts: "update", options: none },
  "label-flip": {
    summary: 'trains on false labels: "mirror" C-1-y, "next" y+1, or "from-to" one class as another',
    acts: "data",
    options: z.strictObject({
      map: z.enum(["mirror", "next", "from-to"]).default("mirror"),
      from: classNumber.optional(),
      to: classNumber.optional(),
    }),
  },
  backdoor: {
    summary: "trains on images with a pixel square that is to mean the target class; boost scales the update",
    acts: "data",
    options: z.strictObject({
      target: classNumber.default(0),
      share: z.number().positive().max(1).default(0.5),
      size: z.int().min(1).default(3),
      row: z.int().min(0).optional(),
      column: z.int().min(0).optional(),
      boost: z.number().min(1).default(1),
    }),
  },
} as const satisfies Record<string, AttackEntry>;

export type AttackName = keyof typeof attacks;

/** The options of an attack, complete. */
export type AttackOptions<N extends AttackName> = z.output<(typeof attacks)[N]["options"]>;

/** An attack with its options, as plain data. */
export type Attack = { [N in AttackName]: { readonly name: N } & AttackOptions<N> }[AttackName];

/** The attack of checked options. @param name a key of `attacks` */
export function attackFrom(name: AttackName, options: unknown): Attack {
  return { name, ...(attacks[name].options.parse(options) as object) } as Attack;
}
