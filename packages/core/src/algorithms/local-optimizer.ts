import {
  type AdamOptions,
  type AdamwOptions,
  AnabranchError,
  adam,
  adamw,
  type MuonOptions,
  muon,
  type Optimizer,
  type ShampooOptions,
  type SoapOptions,
  type SophiaOptions,
  sgd,
  shampoo,
  soap,
  sophia,
} from "@anabranch/engine";
import * as z from "zod";
import type { Layout } from "../params/layout.ts";
import type { LocalSettings } from "./algorithm.ts";
import { type Curvature, gaussNewton, hutchinsonProbe } from "./curvature.ts";

const share = z.number().min(0).lt(1);
const steps = z.int().positive();

/** Options of the local optimizers; each takes those that its family lists, with the defaults written there. */
export const optimizerShape = {
  optimizer: z.enum(["sgd", "adam", "adamw", "muon", "sophia", "soap", "shampoo"]).describe("rule of a local step"),
  beta1: share.optional().describe("decay of the mean gradient; adam, adamw: 0.9, sophia: 0.96, soap: 0.95"),
  beta2: share
    .optional()
    .describe("decay of the mean square or curvature; adam, adamw: 0.999, sophia: 0.99, soap: 0.95"),
  epsilon: z
    .number()
    .positive()
    .optional()
    .describe(
      "adam, adamw, soap: added to the root of the mean square, 1e-8; sophia: least divisor, 1e-12; shampoo: start of the factors, 1e-4",
    ),
  momentum: share.optional().describe("momentum of the matrices; muon: 0.95"),
  matrixRate: z.number().positive().optional().describe("learning rate of matrices over that of vectors; muon: 1"),
  hiddenOnly: z.boolean().optional().describe("AdamW for embeddings and the head, too; muon: false"),
  estimator: z
    .enum(["gauss-newton", "hutchinson"])
    .optional()
    .describe('estimate of the curvature; sophia: "gauss-newton" (labels drawn from the model), or "hutchinson"'),
  clipRatio: z
    .number()
    .positive()
    .optional()
    .describe("what curvature is multiplied by before it divides; sophia: 0.05, by hutchinson 0.01"),
  refreshEvery: steps
    .optional()
    .describe("local steps between renewals of curvature or bases; sophia, soap, shampoo: 10"),
  shampooBeta: share.optional().describe("decay of the Gram matrices; soap: 0.95"),
  maxSize: steps.optional().describe("longest axis with a matrix of its own; soap, shampoo: 10000"),
};

/** Options as given; those left out take the family's default. */
export type OptimizerOptions = z.output<z.ZodObject<typeof optimizerShape>>;
/** One of the optimizers. */
export type OptimizerName = OptimizerOptions["optimizer"];

interface Family {
  readonly accepts: readonly (keyof OptimizerOptions)[];
  create(options: OptimizerOptions, weightDecay: number, model: Layout): Optimizer;
}

const families: Readonly<Record<OptimizerName, Family>> = {
  sgd: { accepts: [], create: (_options, weightDecay) => sgd({ weightDecay }) },
  adam: {
    accepts: ["beta1", "beta2", "epsilon"],
    create: (options, weightDecay) => adam({ ...(options as AdamOptions), weightDecay }),
  },
  adamw: {
    accepts: ["beta1", "beta2", "epsilon"],
    create: (options, weightDecay) => adamw({ ...(options as AdamwOptions), weightDecay }),
  },
  muon: {
    accepts: ["momentum", "matrixRate", "hiddenOnly"],
    create: (options, weightDecay, model) =>
      muon({ ...(options as MuonOptions), weightDecay, exclude: options.hiddenOnly === true ? outer(model) : [] }),
  },
  sophia: {
    accepts: ["beta1", "beta2", "epsilon", "estimator", "clipRatio", "refreshEvery"],
    create: (options, weightDecay) =>
      sophia({ ...(options as SophiaOptions), clipRatio: clipRatioOf(options), weightDecay }),
  },
  soap: {
    accepts: ["beta1", "beta2", "epsilon", "shampooBeta", "refreshEvery", "maxSize"],
    create: (options, weightDecay) => soap({ ...(options as SoapOptions), weightDecay }),
  },
  shampoo: {
    accepts: ["epsilon", "refreshEvery", "maxSize"],
    create: (options, weightDecay) => shampoo({ ...(options as ShampooOptions), weightDecay }),
  },
};

/** The paper's gamma for each estimate, unless another is given. */
function clipRatioOf({ estimator, clipRatio }: OptimizerOptions): number {
  return clipRatio ?? (estimator === "hutchinson" ? 0.01 : 0.05);
}

/** Embeddings and the head. */
function outer(model: Layout): string[] {
  return model.entries.filter(({ role }) => role === "embedding" || role === "head").map(({ name }) => name);
}

/** Refuses options of another optimizer, in a method's own schema. */
export function requireFamily(
  options: OptimizerOptions & Readonly<Record<string, unknown>>,
  issues: z.RefinementCtx,
): void {
  const { accepts } = families[options.optimizer];
  for (const key of Object.keys(optimizerShape) as (keyof OptimizerOptions)[]) {
    if (key === "optimizer" || options[key] === undefined || accepts.includes(key)) continue;
    const message = `nothing: ${options.optimizer} has no ${key} (it takes ${accepts.join(", ") || "no options"})`;
    issues.addIssue({ code: "custom", path: [key], message, input: options[key] });
  }
}

/** The optimizer of a run's local steps; `training.weightDecay` is its decay, in its own form. */
export function localOptimizer(options: OptimizerOptions, model: Layout, run: LocalSettings): Optimizer {
  return families[options.optimizer].create(options, requireNoMomentum(run).weightDecay, model);
}

/** The estimate of the curvature that the optimizer asks for. */
export function localCurvature({ optimizer, estimator, refreshEvery = 10 }: OptimizerOptions): Curvature | undefined {
  if (optimizer !== "sophia") return undefined;
  return estimator === "hutchinson" ? hutchinsonProbe(refreshEvery) : gaussNewton(refreshEvery);
}

/** Refuses momentum and weight decay (`config/conflict`), for methods whose local steps follow gradients alone. */
export function requirePlainSteps(run: LocalSettings): LocalSettings {
  const gradientsAlone = { why: "with an algorithm whose local steps follow gradients alone" };
  refuseMomentum(run, { ...gradientsAlone, advice: "Leave training.momentum and training.nesterov out." });
  if (run.weightDecay === 0) return run;
  throw excluded({
    ...gradientsAlone,
    where: "training.weightDecay",
    received: run.weightDecay,
    expected: "0",
    advice: "Leave training.weightDecay out.",
  });
}

/** Refuses the momentum of plain local SGD (`config/conflict`): these methods have their own. */
export function requireNoMomentum(run: LocalSettings): LocalSettings {
  refuseMomentum(run, {
    why: "with an algorithm whose local steps have moments of their own",
    advice: 'Set the options of the algorithm instead; run "anabranch methods NAME" to see them.',
  });
  return run;
}

interface Refusal {
  readonly why: string;
  readonly advice: string;
}

function refuseMomentum({ momentum, nesterov }: LocalSettings, refusal: Refusal): void {
  if (momentum !== 0) throw excluded({ ...refusal, where: "training.momentum", received: momentum, expected: "0" });
  if (nesterov) throw excluded({ ...refusal, where: "training.nesterov", received: nesterov, expected: "false" });
}

interface Excluded extends Refusal {
  readonly where: string;
  readonly received: number | boolean;
  readonly expected: string;
}

function excluded({ where, received, why, expected, advice }: Excluded): AnabranchError {
  const message = "conflicting configuration values";
  return new AnabranchError({
    code: "config/conflict",
    message,
    where,
    received: `${received}, ${why}`,
    expected,
    advice,
  });
}
