import { answerError, contentHashOf } from "@anabranch/core/live";
import { AnabranchError } from "@anabranch/engine";
import { connectionLost } from "./connection-lost.ts";
import { get, jsonOf, Silence } from "./exchange.ts";

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
}

/** Larger blobs do not fit into a browser beside what training needs. */
const mostBytes = 2 ** 30;

/** Fetches blobs by their hash. What has arrived of a download that is cut off is kept, and the next call gets the rest. */
export class Downloads {
  #cut: { readonly hash: string; readonly partial: Partial } | undefined;
  readonly #received: (bytes: number) => void;

  /** @param received called with the number of bytes of every piece */
  constructor(received: (bytes: number) => void) {
    this.#received = received;
  }

  /**
   * One try.
   *
   * @throws `live/connection` where another one can succeed, `live/hash` where the bytes are other ones, `client/limit` for a
   *   blob that is too large, `live/protocol`, and what `answerError` makes of a refusal
   */
  async fetch(
    wanted: Wanted,
    headers: Readonly<Record<string, string>>,
    progress: (share: number) => void,
  ): Promise<Uint8Array> {
    if (wanted.bytes > mostBytes) throw tooLarge(wanted);
    const known = this.#cut?.hash === wanted.hash ? this.#cut.partial : undefined;
    this.#cut = undefined;
    const silence = new Silence();
    try {
      const range: Record<string, string> = known === undefined ? {} : { range: `bytes=${known.received}-` };
      const response = await get(wanted.url, { ...headers, ...range }, silence);
      const partial = await begin(wanted, response, known);
      this.#cut = { hash: wanted.hash, partial };
      for await (const piece of piecesOf(response, silence)) {
        if (partial.received + piece.length > wanted.bytes) throw otherBytes(wanted, "more bytes");
        partial.bytes.set(piece, partial.received);
        partial.received += piece.length;
        this.#received(piece.length);
        progress(partial.received / wanted.bytes);
      }
      if (partial.received < wanted.bytes) throw connectionLost(wanted.url);
      this.#cut = undefined;
      await requireHash(wanted, partial.bytes, known !== undefined);
      return partial.bytes;
    } finally {
      silence.end();
    }
  }
}

/** What the answer adds to: what there is, or nothing yet where the server sends all. */
async function begin(wanted: Wanted, response: Response, known: Partial | undefined): Promise<Partial> {
  const { status, headers } = response;
  const range = headers.get("content-range");
  if (status === 206 && range === `bytes ${known?.received}-${wanted.bytes - 1}/${wanted.bytes}`) return known!;
  if (status === 200) return { bytes: new Uint8Array(wanted.bytes), received: 0 };
  if (status === 206) throw otherBytes(wanted, `range ${range}`);
  throw answerError(status, await jsonOf(response), wanted.url);
}

async function* piecesOf(response: Response, silence: Silence): AsyncGenerator<Uint8Array> {
  const reader = response.body!.getReader();
  try {
    while (true) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw connectionLost(response.url, error);
      });
      if (done) return;
      silence.broken();
      yield value;
    }
  } finally {
    // ends the connection where the caller leaves early
    void reader.cancel().catch(() => {});
  }
}

/** Pieces of several answers are worth one more try from the start. */
async function requireHash({ url, hash }: Wanted, bytes: Uint8Array, resumed: boolean): Promise<void> {
  const found = await contentHashOf(bytes);
  if (found === hash) return;
  throw new AnabranchError({
    code: resumed ? "live/connection" : "live/hash",
    message: "the server has sent other bytes than it announced; they were thrown away",
    where: url,
    received: `SHA-256 ${found}`,
    expected: hash,
    advice: "Something between this device and the server changes data: ask the operator for an https:// link.",
  });
}

function tooLarge({ url, bytes }: Wanted): AnabranchError {
  return new AnabranchError({
    code: "client/limit",
    message: "the model is too large for a browser",
    where: url,
    received: `${bytes} bytes`,
    expected: `at most ${mostBytes} bytes`,
    advice: "Join with the command instead: anabranch join LINK.",
  });
}

function otherBytes({ url, bytes }: Wanted, received: string): AnabranchError {
  return new AnabranchError({
    code: "live/protocol",
    message: "the server sends another number of bytes than it announced",
    where: url,
    received,
    expected: `${bytes} bytes`,
    advice: "Reload the page. If this persists, ask the operator about the proxy before the server.",
  });
}
