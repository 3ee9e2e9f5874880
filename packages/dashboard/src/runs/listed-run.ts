import { runStatuses } from "@anabranch/core";
import * as z from "zod";
import { started } from "./started.ts";

const listedRun = z.object({
  folder: z.string(),
  id: z.string(),
  name: z.string(),
  algorithm: z.string(),
  dataset: z.string(),
  model: z.string(),
  status: z.enum([...runStatuses, "reading"]),
  reason: z.string().nullable(),
  roundsDone: z.number(),
  roundsTotal: z.number(),
  finalAccuracy: z.number().nullable(),
  bestAccuracy: z.number().nullable(),
  finalRmse: z.number().nullable(),
  finalR2: z.number().nullable(),
  seed: z.number(),
  startedAt: z.string(),
  privacy: z.string(),
  testNote: z.string(),
});

/** A run in the list: what its folder holds, as the server reads it. */
export type ListedRun = z.infer<typeof listedRun>;

/** The answer of GET /api/runs. */
export const runList = z.object({ root: z.string(), runs: z.array(listedRun), pending: z.number(), started });
export type RunList = z.infer<typeof runList>;

/** The answer of GET /api/runs/FOLDER. */
export const runDetails = z.object({ id: z.string(), config: z.string(), report: z.string() });
export type RunDetails = z.infer<typeof runDetails>;
