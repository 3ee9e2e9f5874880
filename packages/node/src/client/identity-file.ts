import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { RandomKey } from "@anabranch/core";
import type { ClientIdentity } from "@anabranch/core/live";
import { AnabranchError } from "@anabranch/engine";
import * as z from "zod";
import { isTemporaryName } from "../store/file-system.ts";
import { openPlain } from "../store/plain-file.ts";
import { hasCode, storageError } from "../store/storage-error.ts";
import type { ClientFolder } from "./client-folder.ts";

const fileName = "identity.json";

const word = z.int().min(0).max(0xffffffff);

/** The file: who the client is. */
const identityFile = z.strictObject({
  anabranch: z.literal("client-identity"),
  v: z.literal(1),
  /** Ed25519, raw, base64. */
  publicKey: z.base64().length(44),
  /** Ed25519, PKCS #8, base64. */
  privateKey: z.base64().max(200),
  /** Decides which examples the client keeps for evaluation. */
  holdoutKey: z.tuple([word, word]),
});
type IdentityFile = z.infer<typeof identityFile>;

/** A client's key, and what else is its own secret. */
export interface FileIdentity extends ClientIdentity {
  /** The key by which the client splits its own examples; no server learns it. */
  readonly holdoutKey: RandomKey;
}

/**
 * The identity in a client's folder; made at the first start, whole or not at all. Servers know a client by it: who copies
 * the file can take the client's place.
 *
 * @throws `client/identity-readable` where other users can read it, `client/identity-damaged`, `store/...`
 */
export async function openIdentity(folder: ClientFolder): Promise<FileIdentity> {
  const path = join(folder.path, fileName);
  // what a killed process has left; the lock of the folder keeps others away
  for (const name of await folder.files.list(folder.path)) {
    if (isTemporaryName(name)) await folder.files.remove(join(folder.path, name));
  }
  const identity = (await read(path)) ?? (await create(folder, path));
  const signing = await importKey("pkcs8", identity.privateKey, path);
  const sign = async (bytes: Uint8Array<ArrayBuffer>) =>
    new Uint8Array(await crypto.subtle.sign("Ed25519", signing, bytes));
  await requirePair(identity, sign, path);
  return { publicKey: identity.publicKey, holdoutKey: identity.holdoutKey, sign };
}

async function read(path: string): Promise<IdentityFile | undefined> {
  const file = await openPlain(path, "read").catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    const { mode, size } = await file.stat();
    if (process.platform !== "win32" && (mode & 0o077) !== 0) throw readable(path, mode);
    if (size > 4096) throw damaged(path, `${size} bytes`);
    return parsed(await file.readFile("utf8"), path);
  } finally {
    await file.close();
  }
}

function parsed(text: string, path: string): IdentityFile {
  try {
    return identityFile.parse(JSON.parse(text));
  } catch (cause) {
    throw damaged(path, `${text.length} characters that are not an identity`, cause);
  }
}

async function create({ path: folder, files }: ClientFolder, path: string): Promise<IdentityFile> {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  const words = randomBytes(8);
  const identity: IdentityFile = {
    anabranch: "client-identity",
    v: 1,
    publicKey: Buffer.from(await crypto.subtle.exportKey("raw", pair.publicKey)).toString("base64"),
    privateKey: Buffer.from(await crypto.subtle.exportKey("pkcs8", pair.privateKey)).toString("base64"),
    holdoutKey: [words.readUInt32LE(0), words.readUInt32LE(4)],
  };
  const temporary = join(folder, `.${fileName}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    // its mode is given as it is made: at no moment can others read it
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(`${JSON.stringify(identity, undefined, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await files.syncFolder(folder);
  } catch (error) {
    await rm(temporary, { force: true });
    throw storageError(error, { what: "the identity of the client", path, of: "client" });
  }
  return identity;
}

async function importKey(format: "raw" | "pkcs8", base64: string, path: string): Promise<CryptoKey> {
  const bytes = Buffer.from(base64, "base64");
  try {
    return await crypto.subtle.importKey(format, bytes, "Ed25519", false, [format === "raw" ? "verify" : "sign"]);
  } catch (cause) {
    throw damaged(path, "bytes that are not an Ed25519 key", cause);
  }
}

/** Refuses a private and a public key that do not belong together. */
async function requirePair({ publicKey }: IdentityFile, sign: ClientIdentity["sign"], path: string): Promise<void> {
  const probe = new TextEncoder().encode("anabranch identity");
  const signature = await sign(probe);
  const key = await importKey("raw", publicKey, path);
  const fits = await crypto.subtle.verify("Ed25519", key, Uint8Array.from(signature), probe);
  if (!fits) throw damaged(path, "two keys that do not belong together");
}

function readable(path: string, mode: number): AnabranchError {
  return new AnabranchError({
    code: "client/identity-readable",
    message: "other users of this machine may read the identity of this client",
    where: path,
    received: `mode ${(mode & 0o777).toString(8)}`,
    expected: "mode 600",
    advice: `Run: chmod 600 ${path}. If somebody may have copied it, delete it and join with a new identity.`,
  });
}

function damaged(path: string, received: string, cause?: unknown): AnabranchError {
  return new AnabranchError({
    code: "client/identity-damaged",
    message: "the identity of this client is damaged",
    where: path,
    received,
    advice: "Restore the file from a copy. To join as a new client, choose another --folder.",
    ...(cause === undefined ? {} : { cause }),
  });
}
