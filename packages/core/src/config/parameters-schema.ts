import * as z from "zod";

const selectors = z.union([z.string().min(1), z.array(z.string().min(1)).max(1000)]).default([]);

export const parameters = z
  .strictObject({
    personal: selectors.describe(
      'parameters that each client keeps and trains for itself: a role ("head", "normalization", "statistics", "bias"), layers, parameters or patterns such as "block1.*"; "!..." takes back',
    ),
    frozen: selectors.describe(
      "parameters that keep their initial values and are never sent; the same selectors. All others are shared",
    ),
  })
  .prefault({})
  .describe("which parameters clients share; omitted: all");

type Section = z.output<typeof parameters>;

/** The section with lists alone. */
export function parameterSelectors({ personal, frozen }: Section): Readonly<Record<keyof Section, readonly string[]>> {
  const list = (value: string | readonly string[]) => (typeof value === "string" ? [value] : value);
  return { personal: list(personal), frozen: list(frozen) };
}
