import * as z from "zod";
import { blockLayout, blockMeans, expandBlocks } from "./block-means.ts";
import type { OptimizerName } from "./local-optimizer.ts";
import { type Alignment, wholePreconditioner } from "./preconditioned.ts";

type Form = "block-means" | "truncated-svd" | "low-rank-symmetric";

/** What of a preconditioner travels in a light upload; sgd has none. */
const forms: Readonly<Partial<Record<OptimizerName, Form>>> = {
  adamw: "block-means",
  sophia: "block-means",
  muon: "truncated-svd",
  soap: "low-rank-symmetric",
  shampoo: "low-rank-symmetric",
};

/** A share of the dense size for low ranks, `true` for block means, which have none. */
export const lightOption = z.union([z.literal(true), z.number().positive().max(1)]).optional();

type Light = z.output<typeof lightOption>;

const blockMeansAlignment: Alignment = {
  layout: (_preconditioner, model) => blockLayout(model, "paper"),
  pack: (values, model) => blockMeans(values, model, "paper"),
  unpack: (means, model) => expandBlocks(means, model, "paper"),
};

/** How an optimizer's preconditioner travels, whole or light. */
export function alignmentOf(optimizer: OptimizerName, light: Light): Alignment {
  if (light === undefined) return wholePreconditioner;
  const form = forms[optimizer]!;
  if (form === "block-means") return blockMeansAlignment;
  return { ...wholePreconditioner, codec: { name: form, share: light as number } };
}

/** Refuses a light upload that the optimizer has not, in a method's own schema. */
export function requireLight(options: { optimizer: OptimizerName; light?: Light }, issues: z.RefinementCtx): void {
  const { optimizer, light } = options;
  if (light === undefined) return;
  const form = forms[optimizer];
  const expected = form === "block-means" ? "true" : "a number";
  if (form !== undefined && (light === true) === (form === "block-means")) return;
  const message =
    form === undefined
      ? `nothing: ${optimizer} has no preconditioner to compress`
      : `${expected}: the light upload of ${optimizer} is ${form}`;
  issues.addIssue({ code: "custom", path: ["light"], message, input: light });
}
