import * as z from "zod";

const failure = z.object({
  code: z.string(),
  message: z.string(),
  where: z.string().exactOptional(),
  received: z.string().exactOptional(),
  expected: z.string().exactOptional(),
  advice: z.string().exactOptional(),
});

/** The run that was started from the page last. */
export const started = z.object({
  state: z.enum(["none", "starting", "running", "stopping", "ended"]),
  name: z.string(),
  folder: z.string().nullable(),
  failure: failure.nullable(),
});
export type Started = z.infer<typeof started>;
