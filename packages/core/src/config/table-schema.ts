import * as z from "zod";

const column = z.string().min(1);

/** How the columns of an own table (csv or parquet) become features. */
export const table = z
  .strictObject({
    target: z
      .enum(["class", "number"])
      .default("class")
      .describe('what the label column is: a "class", or a "number" to predict (regression)'),
    standardize: z
      .boolean()
      .default(false)
      .describe(
        "scale numeric columns and targets to mean 0 and standard deviation 1; both are pooled over the clients' examples",
      ),
    statistics: z
      .record(column, z.tuple([z.number(), z.number().positive()]))
      .default({})
      .describe(
        'standardize: [mean, standard deviation] by column where they are public; needed for all columns under [privacy]; the key of a numeric target is "target"',
      ),
    missing: z
      .union([z.enum(["refuse", "mean", "most-frequent"]), z.number()])
      .default("refuse")
      .describe(
        'missing values: "refuse", or fill in the "mean", the "most-frequent" value or a number; a column of text gets its most frequent category, or none with a number',
      ),
    missingIndicator: z
      .boolean()
      .default(false)
      .describe("add a feature to each column with missing values that is 1 where they were missing"),
    oneHot: z
      .array(column)
      .default([])
      .describe(
        "columns of codes that are categories; each category becomes a feature of 0 or 1, as in columns of text",
      ),
    categories: z
      .record(column, z.array(z.string()).min(1))
      .default({})
      .describe(
        "categories by column where they are public; omitted: those that occur, sorted; needed for all columns of text under [privacy]",
      ),
  })
  .prefault({})
  .describe("columns of own tables (csv and parquet)");

export type TableConfig = z.infer<typeof table>;

/** Whether a run leaves the columns of tables as they are. */
export function isUsualTable(given: TableConfig): boolean {
  const usual: TableConfig = table.parse({});
  return JSON.stringify(Object.entries(given).sort()) === JSON.stringify(Object.entries(usual).sort());
}
