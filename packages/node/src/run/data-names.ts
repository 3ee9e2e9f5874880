import { featureNames, tableEncoding } from "@anabranch/core";
import * as z from "zod";

/** What classes, characters and features of a data set are called, as far as it says. */
export const dataNames = z.object({
  classNames: z.array(z.string()).optional(),
  vocabulary: z.array(z.string()).optional(),
  table: tableEncoding.optional(),
});
export type DataNames = z.infer<typeof dataNames>;

/** The names of a data set; none where it has none. */
export function dataNamesOf(data: object): DataNames {
  return dataNames.safeParse(data).data ?? {};
}

/** Characters of one entry at most; longer lists are left out. */
const LONGEST = 2 ** 20;

/**
 * Names as metadata of a model's file, each a JSON text: `classes` by output, `vocabulary` by token, `features` by input, and
 * `table`, how columns become features.
 */
export function namesMetadata({ classNames, vocabulary, table }: DataNames): Record<string, string> {
  const entries = {
    classes: classNames,
    vocabulary,
    features: table && featureNames(table),
    table,
  };
  const texts = Object.entries(entries).flatMap(([key, value]) => {
    const text = value === undefined ? undefined : JSON.stringify(value);
    return text === undefined || text.length > LONGEST ? [] : [[key, text] as const];
  });
  return Object.fromEntries(texts);
}
