import { AnabranchError } from "@anabranch/engine";
import type { Payloads } from "../algorithms/algorithm.ts";
import { checkedCompressor } from "../compression/index.ts";
import type { PipelineSettings } from "../pipeline/index.ts";

/** Refuses compression that this client cannot do. Throws `live/compression`, `compression/chain` or `compression/feedback`. */
export function requireCompression({ compression, down }: PipelineSettings, { upload, broadcast }: Payloads): void {
  if (down !== undefined) {
    const missing = down.vectors.find((name) => !Object.hasOwn(broadcast, name));
    if (missing !== undefined) throw notReceived(missing, Object.keys(broadcast));
    checkedCompressor(down.operators, down.feedback, "down");
  }
  if (compression === undefined) return;
  const unknown = compression.vectors.find((name) => !Object.hasOwn(upload, name));
  if (unknown !== undefined) {
    throw new AnabranchError({
      code: "live/compression",
      message: "the server compresses a vector that clients of this method do not send",
      received: JSON.stringify(unknown),
      expected: Object.keys(upload).join(", "),
      advice: "Install the server's version of Anabranch on this client.",
    });
  }
  checkedCompressor(compression.up, compression.feedback);
}

function notReceived(vector: string, known: readonly string[]): AnabranchError {
  return new AnabranchError({
    code: "live/compression",
    message: "the server compresses a vector that clients of this method do not receive",
    received: JSON.stringify(vector),
    expected: known.join(", "),
    advice: "Install the server's version of Anabranch on this client.",
  });
}
