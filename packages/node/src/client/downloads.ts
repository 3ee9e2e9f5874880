import { createHash, type Hash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { answerError } from "@anabranch/core/live";
import { AnabranchError } from "@anabranch/engine";
import type { Exchange } from "./exchange.ts";

/** What is wanted. */
export interface Wanted {
  readonly url: string;
  /** SHA-256, hexadecimal. */
  readonly hash: string;
  readonly bytes: number;
}

/** What has arrived of a blob. */
interface Partial {
  readonly bytes: Uint8Array<ArrayBuffer>;
  received: number;
  digest: Hash;
  /** Whether the bytes come from several answers. */
  resumed: boolean;
}

/** Downloads that were cut off and are kept. */
const keptPartials = 2;

/**
 * Fetches blobs by their hash, which is computed as they arrive. What has arrived of a download that is cut off is kept
 * in memory, and the next call asks for the rest.
 */
export class Downloads {
  readonly #exchange: Exchange;
  readonly #mostBytes: number;
  readonly #partials = new Map<string, Partial>();

  constructor(exchange: Exchange, mostBytes = Number.POSITIVE_INFINITY) {
    this.#exchange = exchange;
    this.#mostBytes = mostBytes;
  }

  /**
   * One try. Throws `live/connection` where another one can succeed, `live/hash` where the bytes are other ones,
   * `live/protocol`, `client/limit` for a blob that is larger than allowed, and what `answerError` makes of a refusal.
   */
  async fetch(
    wanted: Wanted,
    headers: Readonly<Record<string, string>>,
    progress: (share: number) => void,
  ): Promise<Uint8Array> {
    if (wanted.bytes > this.#mostBytes) throw tooLarge(wanted, `at most ${this.#mostBytes} bytes`);
    const partial = this.#partials.get(wanted.hash);
    this.#partials.delete(wanted.hash);
    const range: Record<string, string> = partial === undefined ? {} : { range: `bytes=${partial.received}-` };
    let begun = partial;
    try {
      const response = await this.#exchange.request("GET", wanted.url, { ...headers, ...range });
      begun = await this.#begin(wanted, response, partial);
      await this.#receive(wanted, response, begun, progress);
    } catch (error) {
      this.#keep(wanted.hash, error, begun);
      throw error;
    }
    return verified(wanted, begun);
  }

  /** What the answer adds to: what there is, or nothing yet where the server sends all. */
  async #begin(wanted: Wanted, response: IncomingMessage, partial: Partial | undefined): Promise<Partial> {
    if (response.statusCode === 206 && partial !== undefined && continues(response, partial.received, wanted.bytes)) {
      return { ...partial, resumed: true };
    }
    if (response.statusCode === 200 && lengthOf(response) === wanted.bytes) {
      return { bytes: memoryFor(wanted), received: 0, digest: createHash("sha256"), resumed: false };
    }
    if (response.statusCode === 200 || response.statusCode === 206) {
      response.destroy();
      const { "content-length": length, "content-range": range } = response.headers;
      throw otherBytes(wanted, `${length ?? "unknown"} bytes, range ${range ?? "all"}`);
    }
    const { status, json, location } = await this.#exchange.readAnswer(response);
    throw answerError(status, json, wanted.url, location);
  }

  async #receive(
    wanted: Wanted,
    response: IncomingMessage,
    begun: Partial,
    progress: (share: number) => void,
  ): Promise<void> {
    for await (const chunk of this.#exchange.chunks(response)) {
      if (begun.received + chunk.length > wanted.bytes) throw otherBytes(wanted, "more bytes");
      begun.bytes.set(chunk, begun.received);
      begun.digest.update(chunk);
      begun.received += chunk.length;
      progress(begun.received / wanted.bytes);
    }
    if (begun.received < wanted.bytes) throw endedEarly(wanted, begun.received);
  }

  /** Keeps what has arrived where the download can continue. */
  #keep(hash: string, error: unknown, partial: Partial | undefined): void {
    if (partial === undefined || partial.received === 0) return;
    if (!(error instanceof AnabranchError) || error.code !== "live/connection") return;
    this.#partials.set(hash, partial);
    if (this.#partials.size > keptPartials) this.#partials.delete(this.#partials.keys().next().value!);
  }
}

/** Whether an answer has the rest of a blob. */
function continues(response: IncomingMessage, from: number, bytes: number): boolean {
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers["content-range"] ?? "");
  if (match === null) return false;
  const [, first, last, total] = match;
  return Number(first) === from && Number(last) === bytes - 1 && (total === "*" || Number(total) === bytes);
}

/** The length that an answer announces; the wanted one is checked as bytes arrive where it announces none. */
function lengthOf({ headers }: IncomingMessage): number {
  return Number(headers["content-length"] ?? Number.NaN);
}

function memoryFor(wanted: Wanted): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(wanted.bytes);
  } catch {
    throw tooLarge(wanted, "what fits into memory");
  }
}

function tooLarge({ url, bytes }: Wanted, expected: string): AnabranchError {
  return new AnabranchError({
    code: "client/limit",
    message: "the server wants this client to download more than it may",
    where: url,
    received: `${bytes} bytes`,
    expected,
    advice: "If you trust the server, raise --limit-download.",
  });
}

/** The bytes, if they are the right ones. Pieces of several answers are worth one more try from the start. */
function verified(wanted: Wanted, { bytes, digest, resumed }: Partial): Uint8Array {
  const hash = digest.digest("hex");
  if (hash === wanted.hash) return bytes;
  throw new AnabranchError({
    code: resumed ? "live/connection" : "live/hash",
    message: "the server has sent other bytes than it announced; they were thrown away",
    where: wanted.url,
    received: `SHA-256 ${hash}`,
    expected: wanted.hash,
    advice: resumed
      ? "The client tries again from the start."
      : "Something between this client and the server changes data: join by https://, or look at the proxy.",
  });
}

function otherBytes({ url, bytes }: Wanted, received: string): AnabranchError {
  return new AnabranchError({
    code: "live/protocol",
    message: "the server sends another number of bytes than it announced",
    where: url,
    received,
    expected: `${bytes} bytes`,
    advice: "Check that client and server have the same version, and the proxy between them.",
  });
}

function endedEarly({ url, bytes }: Wanted, received: number): AnabranchError {
  return new AnabranchError({
    code: "live/connection",
    message: "the download was cut off",
    where: url,
    received: `${received} of ${bytes} bytes`,
    advice: "The client tries again from there.",
  });
}
