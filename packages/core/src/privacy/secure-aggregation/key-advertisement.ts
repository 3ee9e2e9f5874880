import type { Curves } from "./curves.ts";
import { keyAdvertisementText } from "./keys.ts";
import type { KeyAdvertisement } from "./messages.ts";
import type { Directory } from "./party.ts";
import { checkOnCurve, checkPublicKey, KEY_BYTES } from "./public-key.ts";
import { refuse } from "./refusal.ts";

/** The public keys of a key advertisement, one by one. */
export function advertisedKeys({ keys }: KeyAdvertisement): Uint8Array[] {
  return Array.from({ length: keys.length / KEY_BYTES }, (_, i) => keys.slice(i * KEY_BYTES, (i + 1) * KEY_BYTES));
}

/**
 * Refuses a key advertisement that is not the client's: a `stranger`, a wrong `signature`, or a `public-key` that no honest client
 * has made (the server looks more closely than clients, see `checkOnCurve`).
 */
export async function checkKeyAdvertisement(
  advertisement: KeyAdvertisement,
  client: number,
  session: Uint8Array,
  curves: Curves,
  directory: Directory,
  receiver: "server" | "client",
): Promise<void> {
  const where = `keys of client ${client}`;
  const identity = directory(client);
  if (identity === undefined) refuse("stranger", "a client is not enrolled", { where });
  for (const key of advertisedKeys(advertisement)) (receiver === "server" ? checkOnCurve : checkPublicKey)(key, where);
  if (
    !(await curves.verify(identity, keyAdvertisementText(session, client, advertisement.keys), advertisement.signature))
  ) {
    refuse("signature", "a signature is not the client's", { where });
  }
}
