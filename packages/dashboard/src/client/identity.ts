import type { RandomKey } from "@anabranch/core";
import { type ClientIdentity, toBase64 } from "@anabranch/core/live";
import { ed25519 } from "@noble/curves/ed25519.js";
import { transact } from "./database.ts";

/** What the browser keeps. A key of WebCrypto cannot leave the browser; older browsers have a secret instead. */
interface Kept {
  readonly publicKey: string;
  readonly secret: CryptoKey | Uint8Array<ArrayBuffer>;
  readonly holdoutKey: RandomKey;
}

/** A client's key, and what else is its own secret. */
export interface BrowserIdentity extends ClientIdentity {
  /** The key by which the client splits its own examples; no server learns it. */
  readonly holdoutKey: RandomKey;
}

/** The identity of this browser at this server; made at the first start. Throws `client/storage`. */
export async function openIdentity(database: IDBDatabase): Promise<BrowserIdentity> {
  const known = await transact<Kept | undefined>(database, "identity", "readonly", (store) => store.get("client"));
  const { publicKey, secret, holdoutKey } = known ?? (await keep(database, await create()));
  return {
    publicKey,
    holdoutKey,
    async sign(bytes) {
      if (secret instanceof Uint8Array) return ed25519.sign(bytes, secret);
      return new Uint8Array(await crypto.subtle.sign("Ed25519", secret, bytes));
    },
  };
}

/** The first one counts where two tabs make one at a time. */
async function keep(database: IDBDatabase, made: Kept): Promise<Kept> {
  await transact(database, "identity", "readwrite", (store) => {
    const request = store.get("client");
    request.onsuccess = () => request.result === undefined && store.put(made, "client");
    return request;
  });
  return transact<Kept>(database, "identity", "readonly", (store) => store.get("client"));
}

async function create(): Promise<Kept> {
  const [first, second] = crypto.getRandomValues(new Uint32Array(2));
  return { ...(await createKeys()), holdoutKey: [first!, second!] };
}

async function createKeys(): Promise<Pick<Kept, "publicKey" | "secret">> {
  const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]).catch(() => undefined);
  if (pair !== undefined && "privateKey" in pair) {
    const raw = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    return { publicKey: toBase64(raw), secret: pair.privateKey };
  }
  const { secretKey, publicKey } = ed25519.keygen();
  return { publicKey: toBase64(publicKey), secret: new Uint8Array(secretKey) };
}
