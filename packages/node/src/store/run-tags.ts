import { join } from "node:path";
import { AnabranchError } from "@anabranch/core";
import * as z from "zod";
import { readPlainSync } from "./plain-file.ts";
import { openRunFolder, writeRunFile } from "./run-folder.ts";

/** File in a run's folder. */
const TAGS = "tags.json";
const LONGEST = 64;
const MOST = 32;

const tag = z
  .string()
  .min(1)
  .max(LONGEST)
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._:/-]*$/u);
const schema = z.array(tag).max(MOST);

/** The tags of a run; none where the file is missing or is not one of tags. */
export function readTags(folder: string): readonly string[] {
  try {
    const text = readPlainSync(join(folder, TAGS), 2 ** 16)?.toString("utf8");
    return text === undefined ? [] : schema.parse(JSON.parse(text));
  } catch {
    return [];
  }
}

/**
 * Adds tags to a run, or takes them away; returns all that it has then.
 *
 * @throws `usage/tag` for tags that are empty, too long or too many, or that begin with something else than a letter or digit
 */
export async function changeTags(folder: string, tags: readonly string[], remove: boolean): Promise<readonly string[]> {
  const known = readTags(folder);
  const next = remove ? known.filter((one) => !tags.includes(one)) : [...new Set([...known, ...tags])];
  if (!remove && !schema.safeParse(next).success) throw invalidTag(tags);
  const run = await openRunFolder(folder);
  await writeRunFile(join(run.folder, TAGS), `${JSON.stringify(next)}\n`, run.files);
  return next;
}

function invalidTag(tags: readonly string[]): AnabranchError {
  return new AnabranchError({
    code: "usage/tag",
    message: "this is not a tag",
    received: JSON.stringify(tags.find((one) => !tag.safeParse(one).success) ?? tags),
    expected: `at most ${MOST} tags of at most ${LONGEST} letters, digits, spaces and ._:/-, beginning with a letter or digit`,
    advice: "Example: anabranch tag last baseline",
  });
}
