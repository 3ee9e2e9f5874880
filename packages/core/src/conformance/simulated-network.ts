import { AnabranchError } from "@anabranch/engine";
import { blobName, contentHashOf } from "../live/content-hash.ts";
import type { ServerMessage, UploadAnswer } from "../live/control.ts";
import type { LiveServer } from "../live/live-server.ts";
import type { ClientTransport, Timers } from "../live/ports.ts";
import type { BlobStore } from "../round/blob-store.ts";

/** How bad a network is: probabilities of each message or transfer, and delays in milliseconds. */
export interface Faults {
  readonly delay: number;
  /** A message is lost with its connection, as TCP loses them. */
  readonly cut: number;
  /** A client cannot connect. */
  readonly refuse: number;
  /** A transfer stops half way. */
  readonly break: number;
  /** An upload arrives and its answer does not. */
  readonly forget: number;
  /** An upload arrives twice. */
  readonly duplicate: number;
}

export const NO_FAULTS: Faults = { delay: 1, cut: 0, refuse: 0, break: 0, forget: 0, duplicate: 0 };

/** A server as the network sees it. It is down while it is restarted. */
export interface NetworkServer {
  readonly live: LiveServer;
  readonly blobs: BlobStore;
}

interface Upload {
  readonly session: string;
  readonly order: string;
  readonly hash: string;
  readonly bytes: Uint8Array;
}

/** Connects clients and a server in one process, with the faults of real networks drawn from `random`. */
export class SimulatedNetwork {
  readonly origin = "https://server.example";
  readonly counts = { cut: 0, refused: 0, broken: 0, forgotten: 0, duplicated: 0 };
  server: NetworkServer | undefined;
  /** Hears everything that reaches the server: control messages, and what is uploaded. */
  tap: (received: string | Uint8Array) => void = () => {};
  faults: Faults;
  readonly #timers: Timers;
  readonly #random: () => number;
  readonly #links = new Set<(reason: string) => void>();
  /** Breaks transfers that are under way. */
  #gone = Promise.withResolvers<never>();

  constructor(timers: Timers, random: () => number, faults: Faults = NO_FAULTS) {
    this.#timers = timers;
    this.#random = random;
    this.faults = faults;
  }

  /** The server is gone: all connections break. */
  crashServer(): void {
    this.server = undefined;
    for (const cut of [...this.#links]) cut("the server is gone");
    const before = this.#gone;
    this.#gone = Promise.withResolvers();
    before.promise.catch(() => {}); // nobody may be transferring anything
    before.reject(lost("the server is gone"));
  }

  /** A client's end; nothing reaches a client that is not alive. */
  transport(alive: () => boolean): ClientTransport {
    return {
      origin: this.origin,
      connect: (on) => this.#connect(alive, on),
      download: (session, hash, _bytes, progress) => this.#transfer(() => this.#download(session, hash, progress)),
      upload: (session, order, hash, bytes, progress) =>
        this.#transfer(() => this.#upload({ session, order, hash, bytes }, progress)),
    };
  }

  async #connect(alive: () => boolean, on: Parameters<ClientTransport["connect"]>[0]) {
    await this.#delay();
    const { server } = this;
    if (server === undefined || this.#happens("refuse", "refused")) throw lost("the server does not answer");
    let open = true;
    const cut = (reason: string) => {
      if (!open) return;
      open = false;
      this.#links.delete(cut);
      this.#timers.after(this.#latency(), () => side.closed());
      this.#timers.after(this.#latency(), () => alive() && on.closed(reason));
    };
    this.#links.add(cut);
    const mayCut = () => {
      if (this.#happens("cut", "cut")) cut("the connection broke");
    };
    const [down, up] = [this.#pipe(), this.#pipe()];
    const side = server.live.connect({
      origin: this.origin,
      send: (message: ServerMessage) => {
        const text = JSON.stringify(message);
        down(() => void (open && alive() && on.message(text)));
        mayCut();
      },
      close: () => down(() => cut("the server has closed the connection")),
    });
    return {
      send: (text: string) => {
        if (!open) return;
        up(() => {
          if (!open || !alive()) return;
          this.tap(text);
          side.message(text);
        });
        mayCut();
      },
      close: () => cut("the client has closed the connection"),
    };
  }

  async #download(session: string, hash: string, progress: (share: number) => void): Promise<Uint8Array> {
    await this.#delay();
    const server = this.#reached();
    if (this.#happens("break", "broken")) throw lost("the download broke");
    progress(0.5);
    if (!(await server.live.mayFetch(session, hash))) throw lost("the session is over");
    const blob = await server.blobs.get(blobName(hash));
    if (blob === undefined || (await contentHashOf(blob)) !== hash) throw lost("the blob is not there");
    await this.#delay();
    return blob;
  }

  async #upload(upload: Upload, progress: (share: number) => void): Promise<UploadAnswer> {
    await this.#delay();
    progress(0.5);
    if (this.#happens("break", "broken")) throw lost("the upload broke");
    const answer = await this.#arrive(upload);
    if (this.#happens("duplicate", "duplicated")) {
      const again = await this.#arrive(upload).catch(() => answer);
      if (again.status !== answer.status) throw new Error("the same upload was answered in two ways");
    }
    if (this.#happens("forget", "forgotten")) throw lost("the answer was lost");
    await this.#delay();
    return answer;
  }

  async #arrive({ session, order, hash, bytes }: Upload): Promise<UploadAnswer> {
    const server = this.#reached();
    const client = server.live.clientOf(session);
    if (client === undefined) throw lost("the session is over");
    this.tap(bytes);
    const known = await server.live.mayUpload(client, order, hash, bytes.byteLength);
    if (known !== undefined) return known;
    const keep = () => server.blobs.put(blobName(hash), bytes);
    return server.live.uploaded(client, order, { hash, bytes: bytes.byteLength, read: async () => bytes, keep });
  }

  #transfer<T>(transfer: () => Promise<T>): Promise<T> {
    return Promise.race([transfer(), this.#gone.promise]);
  }

  #reached(): NetworkServer {
    if (this.server === undefined) throw lost("the server does not answer");
    return this.server;
  }

  /** Delivers in the order of sending. */
  #pipe(): (deliver: () => void) => void {
    let last = 0;
    return (deliver) => {
      last = Math.max(last, this.#timers.now() + this.#latency());
      this.#timers.after(last - this.#timers.now(), deliver);
    };
  }

  #latency(): number {
    return Math.ceil(this.faults.delay * (0.5 + this.#random()));
  }

  #delay(): Promise<void> {
    return new Promise((resolve) => void this.#timers.after(this.#latency(), resolve));
  }

  #happens(
    fault: "cut" | "refuse" | "break" | "forget" | "duplicate",
    count: keyof SimulatedNetwork["counts"],
  ): boolean {
    if (this.#random() >= this.faults[fault]) return false;
    this.counts[count] += 1;
    return true;
  }
}

function lost(reason: string): AnabranchError {
  return new AnabranchError({ code: "live/connection", message: reason });
}
