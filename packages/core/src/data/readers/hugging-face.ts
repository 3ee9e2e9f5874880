import { AnabranchError } from "@anabranch/engine";
import * as z from "zod";
import { listed } from "./text.ts";

/** What the description of a feature says of classes; other kinds of features have no names. */
const described = z.object({
  info: z.object({
    features: z.record(z.string(), z.object({ _type: z.string().optional(), names: z.array(z.string()).optional() })),
  }),
});

/** Features by column, as the library "datasets" writes them into the metadata of Parquet files. */
export type DescribedFeatures = z.infer<typeof described>["info"]["features"];

/**
 * Reads the description in the entry "huggingface" of a Parquet file's metadata; undefined where there is none that can be
 * read: it adds names and nothing else.
 * Source: https://huggingface.co/docs/datasets/about_dataset_features
 */
export function describedFeatures(text: string | undefined): DescribedFeatures | undefined {
  if (text === undefined) return undefined;
  try {
    return described.safeParse(JSON.parse(text)).data?.info.features;
  } catch {
    return undefined;
  }
}

/** Names of the classes by number, where the column is a ClassLabel. */
export function namedClasses(features: DescribedFeatures | undefined, label: string): readonly string[] | undefined {
  if (features === undefined || !Object.hasOwn(features, label)) return undefined;
  const { _type, names } = features[label]!;
  return _type === "ClassLabel" && names !== undefined && names.length > 0 ? names : undefined;
}

/** Rows with the names of their classes in place of the numbers. Throws `data/label` for a number without a name. */
export function withNames<R extends Readonly<Record<string, unknown>>>(
  rows: readonly R[],
  label: string,
  names: readonly string[],
  where: string,
): R[] {
  return rows.map((row, i) => {
    const name = names[Number(row[label])];
    if (name !== undefined) return { ...row, [label]: name };
    throw new AnabranchError({
      code: "data/label",
      message: "a class has no name in the file's description",
      where: `${where}, row ${i}, column ${label}`,
      received: String(row[label]),
      expected: `a number below ${names.length}: ${listed(names)}`,
    });
  });
}
