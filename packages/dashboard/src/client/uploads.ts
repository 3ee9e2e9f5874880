import { answerError, type UploadAnswer, uploadAnswer } from "@anabranch/core/live";
import * as z from "zod";
import { connectionLost } from "./connection-lost.ts";
import { get, jsonOf, parsed, Silence } from "./exchange.ts";

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

/** Sends updates. The server keeps what has arrived of an upload that is cut off; the next call continues from there. */
export class Uploads {
  /** The upload that was cut off: its order and its hash. */
  #cut: string | undefined;
  readonly #sent: (bytes: number) => void;

  /** @param sent called with the number of bytes of every piece */
  constructor(sent: (bytes: number) => void) {
    this.#sent = sent;
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
    let next = known ? await ask(sending, headers) : { offset: 0 };
    for (let part = 0; part < mostParts && "offset" in next; part++) {
      next = await this.#put(sending, next.offset, headers, progress);
    }
    if ("offset" in next) throw connectionLost(sending.url);
    this.#cut = undefined;
    return next;
  }

  /** By XMLHttpRequest, which reports how much of a body is sent. */
  async #put(
    sending: Sending,
    offset: number,
    headers: Readonly<Record<string, string>>,
    progress: (share: number) => void,
  ): Promise<{ readonly offset: number } | UploadAnswer> {
    const { url, bytes } = sending;
    const request = new XMLHttpRequest();
    const answered = Promise.withResolvers<void>();
    const silence = new Silence();
    let counted = 0;
    request.upload.onprogress = ({ loaded }) => {
      silence.broken();
      this.#sent(loaded - counted);
      counted = loaded;
      progress((offset + loaded) / bytes.length);
    };
    request.onload = () => answered.resolve();
    request.onerror = () => answered.reject(connectionLost(url));
    request.onabort = request.onerror;
    silence.signal.addEventListener("abort", () => request.abort());
    request.open("PUT", urlAt(sending, offset));
    for (const [header, value] of Object.entries(headers)) request.setRequestHeader(header, value);
    request.send(new Uint8Array(bytes.subarray(offset)));
    try {
      await answered.promise;
    } finally {
      silence.end();
    }
    return understood(request.status, parsed(request.responseText), sending);
  }
}

/** How much of an upload the server has, or what it has answered to the whole. */
async function ask(sending: Sending, headers: Readonly<Record<string, string>>) {
  const silence = new Silence();
  try {
    const response = await get(urlAt(sending, 0), headers, silence);
    return understood(response.status, await jsonOf(response), sending);
  } finally {
    silence.end();
  }
}

function understood(
  status: number,
  json: unknown,
  { url, bytes }: Sending,
): { readonly offset: number } | UploadAnswer {
  const answer = uploadAnswer.safeParse(json).data;
  if (answer !== undefined && status < 500) return answer;
  const more = wantsMore.safeParse(json).data;
  if (more !== undefined && more.offset <= bytes.length && (status === 200 || status === 308)) return more;
  throw answerError(status, json, url);
}

function urlAt({ url, bytes, hash }: Sending, offset: number): string {
  return `${url}?offset=${offset}&total=${bytes.length}&hash=${hash}`;
}
