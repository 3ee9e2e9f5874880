import * as z from "zod";
import { type TableEncoding, tableEncoding } from "../data/index.ts";
import type { PreparedRun } from "../simulation/prepare.ts";

/** Names that a data set has beside its arrays. */
export interface DataNames {
  /** Of the classes, by label. */
  readonly classNames?: readonly string[];
  /** Characters of a text, by token. */
  readonly vocabulary?: readonly string[];
  /** How the columns of a table become features. */
  readonly table?: TableEncoding;
}

/** Bytes that names may take in a description, which is one control message; more of them are a blob. */
export const INLINE_NAMES = 16_384;
/** Bytes of such a blob at most. */
export const LONGEST_NAMES = 2 ** 24;

const list = z.array(z.string());
const dataNames = z.strictObject({
  classNames: list.optional(),
  vocabulary: list.optional(),
  table: tableEncoding.optional(),
});

/** The names of a data set; none where it has none. */
export function namesOf(data: DataNames | object): DataNames {
  const classNames = list.safeParse("classNames" in data ? data.classNames : undefined).data;
  const vocabulary = list.safeParse("vocabulary" in data ? data.vocabulary : undefined).data;
  const table = tableEncoding.safeParse("table" in data ? data.table : undefined).data;
  return { ...(classNames && { classNames }), ...(vocabulary && { vocabulary }), ...(table && { table }) };
}

/** Names as bytes: JSON in UTF-8. */
export function encodeNames(names: DataNames): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(names));
}

/**
 * The blob of a run whose names are too long for its description; undefined where they are in it.
 *
 * @example
 * ```ts
 * import { smallRun } from "@anabranch/core/conformance";
 * import { namesBlob } from "@anabranch/core/live";
 * const { federation } = smallRun({ name: "fedavg" }).live;
 * const examples = { ...federation.examples, classNames: ["a".repeat(20_000), "b", "c"] };
 * namesBlob({ federation: { ...federation, examples } })?.length; // => 20027
 * ```
 */
export function namesBlob({ federation }: Pick<PreparedRun, "federation">): Uint8Array | undefined {
  const bytes = encodeNames(namesOf(federation.examples));
  return bytes.length > INLINE_NAMES ? bytes : undefined;
}

/** What `encodeNames` has made; undefined where the bytes are something else. */
export function decodeNames(bytes: Uint8Array): DataNames | undefined {
  try {
    const { data } = dataNames.safeParse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
    return data === undefined ? undefined : namesOf(data);
  } catch {
    return undefined;
  }
}
