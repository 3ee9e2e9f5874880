import type { Exchange } from "../algorithms/algorithm.ts";
import { decodeVector } from "../codecs/index.ts";
import { isFiniteVector } from "../params/vector.ts";
import type { Update } from "../protocol/message.ts";

/** An update without defects as it is aggregated: the vectors with a codec decoded, the others as they came. */
export function decoded(update: Update, { up, parts }: Exchange): Update {
  const { part } = update.public;
  const vectors = Object.entries(up).flatMap(([name, { layout, codec }]) => {
    if (codec === undefined) return [];
    const sent = part === undefined ? layout : parts![part]![name]!;
    return [[name, decodeVector(codec, sent, update.vectors[name]!)] as const];
  });
  return { ...update, vectors: { ...update.vectors, ...Object.fromEntries(vectors) } };
}

/** What is wrong with a decoded update: factors that are finite may multiply to something that is not. */
export function decodingFault(
  { vectors }: Update,
  { up }: Exchange,
): { readonly code: string; readonly message: string } | undefined {
  const broken = Object.keys(up).find((name) => up[name]!.codec !== undefined && !isFiniteVector(vectors[name]!));
  if (broken === undefined) return undefined;
  return { code: "update/codec", message: `the vector "${broken}" is not finite when it is decoded` };
}
