import { gunzip } from "./gunzip.ts";
import { readerLimits, requireAtMost } from "./limits.ts";

/**
 * The text of a file in UTF-8, plain or gzip.
 *
 * @throws `data/gzip`, `data/too-large`
 */
export function decodeText(file: Uint8Array, where: string): string {
  const bytes = gunzip(file, where, readerLimits.textBytes);
  requireAtMost(readerLimits.textBytes, bytes.length, "bytes of text", where);
  return new TextDecoder().decode(bytes);
}

/** Names from a file as an error lists them: the first ones, none at length. */
export function listed(names: readonly string[], most = 20): string {
  const first = names.slice(0, most).map((name) => (name.length > 40 ? `${name.slice(0, 37)}...` : name));
  return names.length > most ? `${first.join(", ")}, ... (${names.length} in all)` : first.join(", ");
}
