import type { IncomingMessage } from "node:http";
import {
  MOST_UPLOAD_PARTS,
  readUploadProgress,
  type Sending,
  type UploadAnswer,
  type UploadProgress,
  uploadUrl,
} from "@anabranch/core/live";
import { AnabranchError } from "@anabranch/engine";
import type { Exchange } from "./exchange.ts";

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
  async #ask(sending: Sending, headers: Readonly<Record<string, string>>): Promise<UploadProgress> {
    const response = await this.#exchange.request("GET", uploadUrl(sending, 0), headers);
    return this.#read(response, sending);
  }

  async #sendFrom(
    first: number,
    sending: Sending,
    headers: Readonly<Record<string, string>>,
    progress: (share: number) => void,
  ): Promise<UploadAnswer> {
    const { bytes } = sending;
    let offset = first;
    for (let part = 0; part < MOST_UPLOAD_PARTS; part++) {
      const from = offset;
      const response = await this.#exchange.request("PUT", uploadUrl(sending, from), headers, {
        bytes: bytes.subarray(from),
        sent: (count) => progress(bytes.length === 0 ? 1 : (from + count) / bytes.length),
      });
      const answer = await this.#read(response, sending);
      if ("status" in answer) return answer;
      offset = answer.offset;
    }
    throw new AnabranchError({
      code: "live/connection",
      message: "the server does not accept the upload as complete",
      where: sending.url,
      received: `${offset} of ${bytes.length} bytes after ${MOST_UPLOAD_PARTS} parts`,
      advice: "The client tries again. If this persists, look at the log of the server.",
    });
  }

  async #read(response: IncomingMessage, sending: Sending): Promise<UploadProgress> {
    const { status, json, location } = await this.#exchange.readAnswer(response);
    return readUploadProgress(status, json, sending, location);
  }
}
