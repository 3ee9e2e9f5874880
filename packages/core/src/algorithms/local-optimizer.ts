import {
  type AdamwOptions,
  AnabranchError,
  adamw,
  type MuonOptions,
  muon,
  type Optimizer,
  sgd,
} from "@anabranch/engine";
import * as z from "zod";
import type { Layout } from "../params/layout.ts";
import type { LocalSettings } from "./algorithm.ts";

const share = z.number().min(0).lt(1);

/** Options of the local optimizers; each takes those that its family lists, with the defaults written there. */
export const optimizerShape = {
  optimizer: z.enum(["sgd", "adamw", "muon"]).describe("rule of a local step"),
  beta1: share.optional().describe("decay of the mean gradient; adamw: 0.9"),
  beta2: share.optional().describe("decay of the mean square; adamw: 0.999"),
  epsilon: z.number().positive().optional().describe("added to the root of the mean square; adamw: 1e-8"),
  momentum: share.optional().describe("momentum of the matrices; muon: 0.95"),
  matrixRate: z.number().positive().optional().describe("learning rate of matrices over that of vectors; muon: 1"),
  hiddenOnly: z.boolean().optional().describe("AdamW for embeddings and the head, too; muon: false"),
};

/** Options as given; those left out take the family's default. */
export type OptimizerOptions = z.output<z.ZodObject<typeof optimizerShape>>;

interface Family {
  readonly accepts: readonly (keyof OptimizerOptions)[];
  create(options: OptimizerOptions, weightDecay: number, model: Layout): Optimizer;
}

const families: Readonly<Record<OptimizerOptions["optimizer"], Family>> = {
  sgd: { accepts: [], create: (_options, weightDecay) => sgd({ weightDecay }) },
  adamw: {
    accepts: ["beta1", "beta2", "epsilon"],
    create: (options, weightDecay) => adamw({ ...(options as AdamwOptions), weightDecay }),
  },
  muon: {
    accepts: ["momentum", "matrixRate", "hiddenOnly"],
    create: (options, weightDecay, model) =>
      muon({ ...(options as MuonOptions), weightDecay, exclude: options.hiddenOnly === true ? outer(model) : [] }),
  },
};

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

/** Refuses the momentum of plain local SGD (`config/conflict`): these methods have their own. */
export function requireNoMomentum(run: LocalSettings): LocalSettings {
  if (run.momentum === 0) return run;
  throw new AnabranchError({
    code: "config/conflict",
    message: "two values in the configuration exclude each other",
    where: "training.momentum",
    received: `${run.momentum}, with an algorithm whose local optimizer has moments of its own`,
    expected: "0",
    advice: 'Set the options of the algorithm instead; run "anabranch methods" to see them.',
  });
}
