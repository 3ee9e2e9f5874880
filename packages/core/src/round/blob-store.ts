import { AnabranchError } from "@anabranch/engine";

/**
 * Named bytes that survive the process: checkpoints and client states. Names are relative paths of letters, digits,
 * ".", "_" and "-" with "/" between folders.
 */
export interface BlobStore {
  /** Stores all of `bytes` or nothing, also when the machine stops in between, and is durable once resolved. Replaces. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** The bytes, or undefined where there is no such blob. */
  get(name: string): Promise<Uint8Array | undefined>;
  /** Names that start with `prefix`, sorted by code units. */
  list(prefix: string): Promise<string[]>;
  /** Removes a blob; one that is absent is no error. */
  delete(name: string): Promise<void>;
}

/**
 * A store that lives as long as the process. Bytes are copied in and out.
 *
 * @example
 * ```ts
 * import { memoryBlobStore } from "@anabranch/core";
 * const blobs = memoryBlobStore();
 * await blobs.put("checkpoints/1", Uint8Array.of(1, 2));
 * await blobs.list("checkpoints/"); // => ["checkpoints/1"]
 * await blobs.get("absent"); // => undefined
 * ```
 */
export function memoryBlobStore(): BlobStore {
  const blobs = new Map<string, Uint8Array>();
  return {
    async put(name, bytes) {
      requireBlobName(name);
      blobs.set(name, bytes.slice());
    },
    async get(name) {
      requireBlobName(name);
      return blobs.get(name)?.slice();
    },
    async list(prefix) {
      requirePrefix(prefix);
      return [...blobs.keys()].filter((name) => name.startsWith(prefix)).sort();
    },
    async delete(name) {
      requireBlobName(name);
      blobs.delete(name);
    },
  };
}

/**
 * Refuses a prefix whose folders could lie outside the store's. Throws `blob/name`.
 *
 * @example
 * ```ts
 * import { requirePrefix } from "@anabranch/core";
 * requirePrefix("checkpoints/"); // throws blob/name for "../"
 * ```
 */
export function requirePrefix(prefix: string): void {
  const slash = prefix.lastIndexOf("/");
  if (slash >= 0) requireBlobName(prefix.slice(0, slash));
}

/**
 * Refuses names that could leave the store's folder. Throws `blob/name`. Every store calls it.
 *
 * @example
 * ```ts
 * import { requireBlobName } from "@anabranch/core";
 * requireBlobName("checkpoints/round-1"); // throws blob/name for "../elsewhere"
 * ```
 */
export function requireBlobName(name: string): void {
  const parts = name.split("/");
  if (parts.every((part) => /^[\w-][\w.-]*$/.test(part))) return;
  throw new AnabranchError({
    code: "blob/name",
    message: "the name of a blob is not a relative path",
    received: JSON.stringify(name),
    expected: 'letters, digits, ".", "_", "-", with "/" between folders',
  });
}
