import * as z from "zod";

const formField = z.object({
  path: z.string(),
  description: z.string(),
  kind: z.enum(["text", "number", "list", "flag", "choice"]),
  choices: z.array(z.string()),
  /** The default; null where the key may be left out or must be given. */
  initial: z.unknown(),
  required: z.boolean(),
});
/** One value of a configuration. */
export type FormField = z.infer<typeof formField>;

const formSection = z.object({
  path: z.string(),
  description: z.string(),
  fields: z.array(formField),
  options: z.object({ by: z.string(), of: z.record(z.string(), z.array(formField)) }).nullable(),
});
/** A section of a configuration, and the options of the part that one of its fields names. */
export type FormSection = z.infer<typeof formSection>;

/** The answer of GET /api/form. */
export const configForm = z.object({ sections: z.array(formSection) });
