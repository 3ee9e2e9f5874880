import {
  MOST_UPLOAD_PARTS,
  readUploadProgress,
  type Sending,
  type UploadAnswer,
  type UploadProgress,
  uploadUrl,
} from "@anabranch/core/live";
import { connectionLost } from "./connection-lost.ts";
import { get, jsonOf, parsed, Silence } from "./exchange.ts";

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
    for (let part = 0; part < MOST_UPLOAD_PARTS && "offset" in next; part++) {
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
  ): Promise<UploadProgress> {
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
    request.open("PUT", uploadUrl(sending, offset));
    for (const [header, value] of Object.entries(headers)) request.setRequestHeader(header, value);
    request.send(new Uint8Array(bytes.subarray(offset)));
    try {
      await answered.promise;
    } finally {
      silence.end();
    }
    return readUploadProgress(request.status, parsed(request.responseText), sending);
  }
}

/** How much of an upload the server has, or what it has answered to the whole. */
async function ask(sending: Sending, headers: Readonly<Record<string, string>>) {
  const silence = new Silence();
  try {
    const response = await get(uploadUrl(sending, 0), headers, silence);
    return readUploadProgress(response.status, await jsonOf(response), sending);
  } finally {
    silence.end();
  }
}
