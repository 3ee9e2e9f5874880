import { AnabranchError } from "@anabranch/engine";
import { lowRankSymmetric } from "./low-rank-symmetric.ts";
import type { MatrixCodec } from "./matrix-codec.ts";
import { truncatedSvdByEnergy, truncatedSvdByShare } from "./truncated-svd.ts";

/**
 * A codec with its setting, as plain data: codecs are named, never sent as code.
 *   "truncated-svd": the leading singular triples of every matrix. The rank follows from `share` of the dense size, or is
 *     the smallest that keeps `energy` of the sum of squared singular values, for each matrix by itself;
 *   "low-rank-symmetric": the leading eigenpairs of every square matrix, `share` of them, and the mean of the other
 *     eigenvalues. For vectors all of whose square matrices are symmetric and positive semi-definite.
 * Shares and energies lie above 0 and reach up to 1.
 */
export type CodecSpec =
  | { readonly name: "truncated-svd" | "low-rank-symmetric"; readonly share: number }
  | { readonly name: "truncated-svd"; readonly energy: number };

/** The codec of a specification. Throws `codec/option` or `codec/unknown`. */
export function matrixCodec(spec: CodecSpec): MatrixCodec {
  switch (spec.name) {
    case "truncated-svd":
      return "share" in spec
        ? truncatedSvdByShare(portion(spec.share, "share"))
        : truncatedSvdByEnergy(portion(spec.energy, "energy"));
    case "low-rank-symmetric":
      return lowRankSymmetric(portion(spec.share, "share"));
    default:
      throw new AnabranchError({
        code: "codec/unknown",
        message: "unknown codec",
        received: JSON.stringify((spec as { readonly name: unknown }).name),
        expected: "truncated-svd or low-rank-symmetric",
      });
  }
}

function portion(value: number, option: string): number {
  if (value > 0 && value <= 1) return value;
  throw new AnabranchError({
    code: "codec/option",
    message: "an option of a codec is out of range",
    where: option,
    received: String(value),
    expected: "a number above 0, at most 1",
  });
}
