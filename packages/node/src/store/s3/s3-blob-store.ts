import { type BlobStore, requireBlobName, requirePrefix } from "@anabranch/core";
import { contentHashOf } from "@anabranch/core/live";
import { AnabranchError } from "@anabranch/engine";
import type { S3mini } from "s3mini";
import { placeOf, type S3Address } from "./s3-address.ts";
import type { S3Credentials } from "./s3-credentials.ts";
import { isMissing } from "./s3-errors.ts";
import { persist, type S3Patience, type Try, usualPatience } from "./s3-patience.ts";

/** Bytes of a blob that come piece by piece, as often as they are asked for. */
export interface BlobSource {
  readonly bytes: number;
  /** SHA-256, lower-case hexadecimal. */
  readonly hash: string;
  pieces(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** Bytes that Node can hold at once. */
const largestBlob = 2 ** 31 - 1;
const pieceBytes = 256 * 1024;
/** Names in one answer: what the protocol allows. */
const pageNames = 1000;
/** Bytes of an answer that is text: more than so many names take. */
const longestText = 2 ** 22;

/**
 * A blob store over S3-compatible storage, one object a blob. An object appears whole or not at all, and the storage is
 * durable by the time it answers. What it may lose on the way is noticed by the SHA-256 that goes with every object. All
 * operations throw `blob/...`, see s3-errors.ts; failures that may pass are thrown at the deadline only.
 */
export class S3BlobStore implements BlobStore {
  readonly #client: typeof S3mini;
  readonly #address: S3Address;
  readonly #credentials: S3Credentials;
  readonly #patience: S3Patience;

  private constructor(client: typeof S3mini, address: S3Address, credentials: S3Credentials, patience: S3Patience) {
    this.#client = client;
    this.#address = address;
    this.#credentials = credentials;
    this.#patience = patience;
  }

  /** Asks the storage nothing yet. */
  static async open(address: S3Address, credentials: S3Credentials, patience = usualPatience): Promise<S3BlobStore> {
    const { S3mini: client } = await import("s3mini");
    return new S3BlobStore(client, address, credentials, patience);
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    requireBlobName(name);
    const hash = await contentHashOf(bytes);
    await this.putSource(name, { bytes: bytes.length, hash, pieces: () => piecesOf(bytes) });
  }

  /** As `put`, and holds one piece in memory. */
  async putSource(name: string, { bytes, hash, pieces }: BlobSource): Promise<void> {
    requireBlobName(name);
    const headers: Record<string, string> = { "x-amz-checksum-sha256": Buffer.from(hash, "hex").toString("base64") };
    await this.#request(name, bytes, async (client, key, { moved }) => {
      const body = bytes === 0 ? new Uint8Array(0) : streamOf(pieces(), moved);
      const response = await client.putObject(key, body, undefined, undefined, headers, bytes);
      await response.body?.cancel();
    });
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    requireBlobName(name);
    return this.#request(name, 0, async (client, key, attempt) => {
      try {
        return await readBody(await client.getObjectRaw(key), attempt, name);
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
  }

  async list(start: string): Promise<string[]> {
    requirePrefix(start);
    const { prefix } = this.#address;
    const names: string[] = [];
    let next: string | undefined;
    do {
      const page = await this.#request(start, 0, async (client, key) => {
        const found = await client.listObjectsPaged("/", key, pageNames, next);
        if (found?.objects == null) throw Object.assign(new Error("no bucket"), { status: 404 });
        return { keys: found.objects.map(({ Key }) => Key), next: found.nextContinuationToken };
      });
      if (page.next !== undefined && page.next === next) throw refused("the storage repeats a part of its list", start);
      names.push(...page.keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length)));
      next = page.next;
    } while (next !== undefined);
    return names.sort();
  }

  async delete(name: string): Promise<void> {
    requireBlobName(name);
    await this.#request(name, 0, (client, key) => client.deleteObject(key));
  }

  /** Sends a request until it succeeds. Each try has a client of its own, with its signal. */
  #request<T>(
    name: string,
    bytes: number,
    body: (client: S3mini, key: string, attempt: Try) => Promise<T>,
  ): Promise<T> {
    const { endpoint, bucket, prefix, region } = this.#address;
    const key = prefix + name;
    return persist(this.#patience, placeOf({ ...this.#address, prefix: key }), bytes, (attempt) => {
      const send = async (url: string, init: RequestInit) => {
        const response = await fetch(url, { ...init, ...direct, signal: attempt.signal });
        const isText = !response.ok || new URL(url).searchParams.has("list-type");
        return isText ? bounded(response, name) : response;
      };
      const about = { ...this.#credentials, endpoint: `${endpoint}/${bucket}`, region, fetch: send as typeof fetch };
      return body(new this.#client(about), key, attempt);
    });
  }
}

/**
 * A redirect leads to another region or another host: neither gets what was signed for this one. With a window, or a
 * redirect that is no error, fetch would copy the body, and hold all of it.
 */
const direct = { redirect: "error", window: null, duplex: "half" } as const;

/** An answer that s3mini reads as one text: it may come from anything that listens at this address. */
function bounded(response: Response, name: string): Response {
  const { body, status, statusText, headers } = response;
  let bytes = 0;
  const limit = new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, controller) {
      bytes += piece.length;
      if (bytes > longestText)
        controller.error(refused(`the storage answers with more than ${longestText} bytes`, name));
      else controller.enqueue(piece);
    },
  });
  return new Response(body?.pipeThrough(limit) ?? null, { status, statusText, headers });
}

async function readBody(response: Response, { moved, expects }: Try, name: string): Promise<Uint8Array> {
  const bytes = Number(response.headers.get("content-length") ?? Number.NaN);
  if (!Number.isInteger(bytes) || bytes > largestBlob) {
    await response.body?.cancel();
    throw tooLarge(name, bytes);
  }
  expects(bytes);
  const whole = new Uint8Array(bytes);
  let at = 0;
  for await (const piece of response.body ?? []) {
    moved();
    if (at + piece.length > bytes) break;
    whole.set(piece, at);
    at += piece.length;
  }
  if (at < bytes) throw new Error(`${at} of ${bytes} bytes came`);
  return whole;
}

/** @param moved called for each piece that is taken */
function streamOf(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, moved: () => void) {
  const iterator = Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      moved();
      const { done, value } = await iterator.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

function refused(message: string, where: string): AnabranchError {
  return new AnabranchError({
    code: "blob/refused",
    message,
    where,
    advice: "Look whether the endpoint is that of the storage, and whether the storage speaks the S3 protocol.",
  });
}

function tooLarge(name: string, bytes: number): AnabranchError {
  return new AnabranchError({
    code: "blob/damaged",
    message: "the storage has something else under the name of a blob",
    where: name,
    received: Number.isNaN(bytes) ? "an object without a length" : `${bytes} bytes`,
    advice: "Nothing but Anabranch may write into its folder of the bucket.",
  });
}
