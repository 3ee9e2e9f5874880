import type { Optimizer } from "@anabranch/engine";
import * as z from "zod";
import type { Layout } from "../params/layout.ts";
import type { LocalSettings } from "./algorithm.ts";
import type { OptimizerName } from "./local-optimizer.ts";
import { type PreconditionerExchange, preconditionerMeans, wholePreconditioner } from "./preconditioner.ts";

type Form = "block-means" | "truncated-svd" | "low-rank-symmetric";

/** How the preconditioner of each optimizer is compressed; sgd has none. */
const forms: Readonly<Partial<Record<OptimizerName, Form>>> = {
  adam: "block-means",
  adamw: "block-means",
  sophia: "block-means",
  muon: "truncated-svd",
  soap: "low-rank-symmetric",
  shampoo: "low-rank-symmetric",
};

/** A share of the dense size for low ranks, `true` for block means, which have none. */
export const compressionOption = z.union([z.literal(true), z.number().positive().max(1)]).optional();

type Compression = z.output<typeof compressionOption>;

/** How an optimizer's preconditioner travels, whole or compressed. */
export function compressionOf(
  name: OptimizerName,
  optimizer: (model: Layout, run: LocalSettings) => Optimizer,
  compression: Compression,
): PreconditionerExchange {
  const form = forms[name];
  if (compression === undefined || form === undefined) return wholePreconditioner(optimizer);
  if (form === "block-means" || compression === true) return preconditionerMeans("paper");
  return wholePreconditioner(optimizer, { name: form, share: compression });
}

/** Refuses a compression that the optimizer does not have, in a method's own schema. */
export function requireCompression(
  { optimizer, light }: { optimizer: OptimizerName; light?: Compression },
  issues: z.RefinementCtx,
): void {
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
