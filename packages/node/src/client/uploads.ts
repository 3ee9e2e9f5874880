import { answerError, type UploadAnswer, uploadAnswer } from "@anabranch/core/live";
import { AnabranchError } from "@anabranch/engine";
import * as z from "zod";
import type { Answer, Exchange } from "./exchange.ts";

/** What is to be sent. */
export interface Sending {
  /** Of the order, without a query. */
  readonly url: string;
  readonly hash: string;
  readonly bytes: Uint8Array;
}

/** Answers with an offset that one call accepts: a server that never has enough is given up. */
const mostParts = 64;

const wantsMore = z.object({ offset: z.int().min(0) });

/**
 * Sends updates. The server keeps what has arrived of an upload that is cut off; the next call asks it from where to
 * continue.
 */
export class Uploads {
  readonly #exchange: Exchange;
  /** The upload that was cut off: its order and its hash. */
  #cut: string | undefined;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** One try. Throws `live/connection` where another one can succeed, and what `answerError` makes of a refusal. */
  async send(
    sending: Sending,
    headers: Readonly<Record<string, string>>,
    progress: (share: number) => void,
  ): Promise<UploadAnswer> {
    const name = `${sending.url} ${sending.hash}`;
    const known = this.#cut === name;
    this.#cut = name;
    const begun = known ? await this.#ask(sending, headers) : { offset: 0 };
    const answer = "status" in begun ? begun : await this.#sendFrom(begun.offset, sending, headers, progress);
    this.#cut = undefined;
    return answer;
  }

  /** How much of an upload the server has, or what it has answered to the whole. */
  async #ask(
    sending: Sending,
    headers: Readonly<Record<string, string>>,
  ): Promise<{ readonly offset: number } | UploadAnswer> {
    const response = await this.#exchange.request("GET", urlAt(sending, 0), headers);
    return this.#understood(await this.#exchange.readAnswer(response), sending);
  }

  async #sendFrom(
    first: number,
    sending: Sending,
    headers: Readonly<Record<string, string>>,
    progress: (share: number) => void,
  ): Promise<UploadAnswer> {
    const { bytes } = sending;
    let offset = first;
    for (let part = 0; part < mostParts; part++) {
      const from = offset;
      const response = await this.#exchange.request("PUT", urlAt(sending, from), headers, {
        bytes: bytes.subarray(from),
        sent: (count) => progress(bytes.length === 0 ? 1 : (from + count) / bytes.length),
      });
      const answer = this.#understood(await this.#exchange.readAnswer(response), sending);
      if ("status" in answer) return answer;
      offset = answer.offset;
    }
    throw new AnabranchError({
      code: "live/connection",
      message: "the server does not accept the upload as complete",
      where: sending.url,
      received: `${offset} of ${bytes.length} bytes after ${mostParts} parts`,
      advice: "The client tries again. If this persists, look at the log of the server.",
    });
  }

  #understood({ status, json, location }: Answer, { url, bytes }: Sending): { readonly offset: number } | UploadAnswer {
    const answer = uploadAnswer.safeParse(json).data;
    if (answer !== undefined && status < 500) return answer;
    const more = wantsMore.safeParse(json).data;
    const continues = more !== undefined && more.offset <= bytes.length && (status === 200 || status === 308);
    if (continues) return more;
    throw answerError(status, json, url, location);
  }
}

function urlAt({ url, bytes, hash }: Sending, offset: number): string {
  return `${url}?offset=${offset}&total=${bytes.length}&hash=${hash}`;
}
