import { AnabranchError } from "@anabranch/engine";
import { blobName, contentHashOf } from "../live/content-hash.ts";
import type { ServerMessage, UploadAnswer } from "../live/control.ts";
import type { LiveServer } from "../live/live-server.ts";
import type { ClientTransport } from "../live/ports.ts";
import type { BlobStore } from "../round/blob-store.ts";
import type { FaultSource } from "./fault-source.ts";
import { isStoreFailure } from "./faulty-store.ts";
import { PATIENCE_MS, SimulatedPipe } from "./simulated-pipe.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { VirtualTimers } from "./virtual-timers.ts";

/** A server as the network sees it. It is down while it is restarted. */
export interface NetworkServer {
  readonly live: LiveServer;
  readonly blobs: BlobStore;
  readonly process: SimulatedProcess;
}

interface Upload {
  readonly session: string;
  readonly order: string;
  readonly hash: string;
  readonly bytes: Uint8Array;
}

type Direction = "up" | "down";

/** A client hears that its connection is broken within a minute, and asks every second until then. */
const MOST_REFUSALS = 150;
/** A stale upload comes within two minutes. */
const STALE_MS = 120_000;

/** Connects clients and a server in one process, with the faults of real networks. */
export class SimulatedNetwork {
  readonly origin = "https://server.example";
  server: NetworkServer | undefined;
  /** Hears everything that reaches the server: control messages, and what is uploaded. */
  tap: (received: string | Uint8Array) => void = () => {};
  /** Hears everything that the server sends over control connections. */
  told: (client: number, message: ServerMessage) => void = () => {};
  /** Hears of what no network does to a server that is right. */
  wrong: (what: string) => void = () => {};
  readonly #timers: VirtualTimers;
  readonly #source: FaultSource;
  readonly #links = new Set<(reason: string) => void>();
  /** Until when nothing gets through, by client and direction. */
  readonly #blocked = new Map<string, number>();
  /** Downloads that were refused because their session was over, by session. */
  readonly #refusals = new Map<string, number>();
  /** Breaks transfers that are under way. */
  #gone = Promise.withResolvers<never>();

  constructor(timers: VirtualTimers, source: FaultSource) {
    this.#timers = timers;
    this.#source = source;
    this.#gone.promise.catch(() => {});
  }

  /** The server is gone: all connections break. */
  crashServer(): void {
    this.server = undefined;
    for (const cut of [...this.#links]) cut("the server is gone");
    const before = this.#gone;
    this.#gone = Promise.withResolvers();
    this.#gone.promise.catch(() => {}); // nobody may be transferring anything
    before.reject(lost("the server is gone"));
  }

  /** Nothing gets from or to a client for so long. */
  partition(client: number, directions: readonly Direction[], milliseconds: number): void {
    for (const direction of directions) this.#blocked.set(direction + client, this.#timers.now() + milliseconds);
  }

  /** A client's end; nothing reaches a client that is not alive. */
  transport(client: number, process: SimulatedProcess): ClientTransport {
    const end: ClientEnd = { client, process };
    return {
      origin: this.origin,
      connect: (on) => this.#connect(end, on),
      download: (session, hash, _bytes, progress) => this.#transfer(() => this.#download(end, session, hash, progress)),
      upload: (session, order, hash, bytes, progress) =>
        this.#transfer(() => this.#upload(end, { session, order, hash, bytes }, progress)),
    };
  }

  async #connect(end: ClientEnd, on: Parameters<ClientTransport["connect"]>[0]) {
    await this.#travel(end, "up");
    const { server } = this;
    if (server === undefined || this.#source.happens("refuse")) throw lost("the server does not answer");
    const broken = () => cut("nothing was heard for too long");
    const toServer = this.#pipe(end.client, "up", server.process, broken);
    const toClient = this.#pipe(end.client, "down", end.process, broken);
    let open = true;
    const cut = (reason: string) => {
      if (!open) return;
      open = false;
      this.#links.delete(cut);
      toServer.cut(() => side.closed());
      toClient.cut(() => on.closed(reason));
    };
    this.#links.add(cut);
    const mayCut = () => {
      if (this.#source.happens("cut")) cut("the connection broke");
    };
    const side = server.live.connect({
      origin: this.origin,
      send: (message: ServerMessage) => {
        if (!server.process.point("send")) return;
        this.told(end.client, message);
        const text = JSON.stringify(message);
        toClient.send(() => on.message(text));
        mayCut();
      },
      close: () => toClient.send(() => cut("the server has closed the connection")),
    });
    return {
      send: (text: string) => {
        if (!end.process.point("send")) return;
        toServer.send(() => {
          this.tap(text);
          side.message(text);
        });
        mayCut();
      },
      close: () => cut("the client has closed the connection"),
    };
  }

  async #download(end: ClientEnd, session: string, hash: string, progress: (share: number) => void) {
    await this.#travel(end, "up");
    const server = this.#reached();
    if (this.#source.happens("break")) throw lost("the download broke");
    progress(0.5);
    const blob = await this.#answerOf(async () => {
      if (server.live.clientOf(session) === undefined) {
        this.#refusals.set(session, (this.#refusals.get(session) ?? 0) + 1);
        if (this.#refusals.get(session) === MOST_REFUSALS)
          this.wrong(`client ${end.client} keeps a session that is over`);
        throw lost("the session is over");
      }
      return (await server.live.mayFetch(session, hash)) ? server.blobs.get(blobName(hash)) : undefined;
    });
    if (blob === undefined || (await contentHashOf(blob)) !== hash) throw notFound(hash);
    await this.#travel(end, "down");
    return blob;
  }

  async #upload(end: ClientEnd, upload: Upload, progress: (share: number) => void): Promise<UploadAnswer> {
    await this.#travel(end, "up");
    progress(0.5);
    if (this.#source.happens("break")) throw lost("the upload broke");
    const arrive = () => this.#arrive(upload);
    if (this.#source.happens("stale"))
      this.#timers.after(STALE_MS * this.#source.random(), () => void arrive().catch(() => {}));
    const twin = this.#source.happens("concurrent") ? this.#laterArrival(arrive) : undefined;
    const answer = await arrive();
    const again = this.#source.happens("duplicate") ? await arrive().catch(() => answer) : answer;
    const other = (await twin?.catch(() => answer)) ?? answer;
    // a server that was started again may not have the order yet; what it has accepted stays accepted
    const isRefused = [answer, other].some(({ status }) => status === "refused");
    if (again.status !== answer.status && !isRefused) this.wrong(`upload ${upload.order}: accepted, then refused`);
    if (this.#source.happens("forget")) throw lost("the answer was lost");
    await this.#travel(end, "down");
    return answer;
  }

  #laterArrival(arrive: () => Promise<UploadAnswer>): Promise<UploadAnswer> {
    const arriving = this.#wait(this.#latency()).then(arrive);
    arriving.catch(() => {}); // the other one may have failed before
    return arriving;
  }

  #arrive({ session, order, hash, bytes }: Upload): Promise<UploadAnswer> {
    return this.#answerOf(async () => {
      const server = this.#reached();
      const client = server.live.clientOf(session);
      if (client === undefined) throw lost("the session is over");
      this.tap(bytes);
      const known = await server.live.mayUpload(client, order, hash, bytes.byteLength);
      if (known !== undefined) return known;
      const keep = () => server.blobs.put(blobName(hash), bytes);
      return server.live.uploaded(client, order, { hash, bytes: bytes.byteLength, read: async () => bytes, keep });
    });
  }

  /** A server that cannot answer says so, and the client tries again. */
  async #answerOf<T>(answer: () => Promise<T>): Promise<T> {
    try {
      return await answer();
    } catch (error) {
      const isLost = error instanceof AnabranchError && error.code === "live/connection";
      if (!isLost && !isStoreFailure(error)) this.wrong(`a request was answered by ${String(error)}`);
      throw isLost ? error : lost("the server cannot answer now");
    }
  }

  #transfer<T>(transfer: () => Promise<T>): Promise<T> {
    return Promise.race([transfer(), this.#gone.promise]);
  }

  #reached(): NetworkServer {
    if (this.server === undefined) throw lost("the server does not answer");
    return this.server;
  }

  #pipe(client: number, direction: Direction, receiver: SimulatedProcess, broken: () => void): SimulatedPipe {
    return new SimulatedPipe({
      ...{ timers: this.#timers, source: this.#source, receiver, broken },
      latency: () => this.#latency(),
      blockedUntil: () => this.#blockedUntil(client, direction),
    });
  }

  #blockedUntil(client: number, direction: Direction): number {
    return this.#blocked.get(direction + client) ?? 0;
  }

  /** One way of an HTTP request. */
  async #travel(end: ClientEnd, direction: Direction): Promise<void> {
    await this.#wait(this.#latency());
    const wait = this.#blockedUntil(end.client, direction) - this.#timers.now();
    if (wait > 0) await this.#wait(Math.min(wait, PATIENCE_MS));
    if (wait > PATIENCE_MS) throw lost("nothing was heard for too long");
    if (direction === "down") await new Promise<void>((resolve) => end.process.whenAwake("answer", resolve));
    else if (this.server !== undefined) await this.#untilAwake(this.server.process);
  }

  /** A server that dies meanwhile is not reached. */
  async #untilAwake(process: SimulatedProcess): Promise<void> {
    const gone = this.#gone.promise; // it may crash at once
    await Promise.race([gone, new Promise<void>((resolve) => process.whenAwake("request", resolve))]);
  }

  #latency(): number {
    const { faults } = this.#source;
    const latency = Math.ceil(faults.delay * (0.5 + this.#source.random()));
    return this.#source.happens("slow") ? 50 * latency : latency;
  }

  #wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => void this.#timers.after(milliseconds, resolve));
  }
}

interface ClientEnd {
  readonly client: number;
  readonly process: SimulatedProcess;
}

function lost(reason: string): AnabranchError {
  return new AnabranchError({ code: "live/connection", message: reason });
}

function notFound(hash: string): AnabranchError {
  return new AnabranchError({ code: "live/not-found", message: "the server does not have this", where: hash });
}
