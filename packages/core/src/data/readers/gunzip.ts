import { AnabranchError } from "@anabranch/engine";
import { gunzipSync } from "fflate";

/** The contents of a gzip file, or the bytes themselves where they are not gzip. `where`: the file, for errors. */
export function gunzip(bytes: Uint8Array, where: string): Uint8Array {
  if (!(bytes[0] === 0x1f && bytes[1] === 0x8b)) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw new AnabranchError({
      code: "data/gzip",
      message: "a gzip file cannot be unpacked",
      where,
      received: cause instanceof Error ? cause.message : String(cause),
      advice: "The file is damaged or incomplete: fetch it again.",
      cause,
    });
  }
}
