import * as z from "zod";

/** JSON has no NaN: what was not measured is null there. */
const values = z.array(
  z
    .number()
    .nullable()
    .transform((value) => value ?? Number.NaN),
);

const comparedRun = z.object({
  folder: z.string(),
  label: z.string(),
  rounds: z.array(z.number()),
  testLoss: values,
  trainLoss: values,
  accuracy: values,
});
export type ComparedRun = z.infer<typeof comparedRun>;

/** The answer of GET /api/comparison. */
export const comparedRuns = z.object({
  runs: z.array(comparedRun),
  table: z.object({
    heads: z.array(z.string()),
    rows: z.array(z.array(z.string())),
    notes: z.array(z.string()),
  }),
  differences: z.array(z.object({ key: z.string(), values: z.array(z.string()) })),
  report: z.string(),
});
export type ComparedRuns = z.infer<typeof comparedRuns>;
