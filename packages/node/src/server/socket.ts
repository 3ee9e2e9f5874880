import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { CONTROL_BYTES, type ServerMessage } from "@anabranch/core/live";
import { type WebSocket, WebSocketServer } from "ws";
import { requireOwnHost, requireOwnOrigin } from "./host-check.ts";
import { errorResponse, HttpError } from "./http-error.ts";
import { peerOf } from "./peer.ts";
import type { ServedRun } from "./served-run.ts";
import { requireRun, type Site } from "./site.ts";

/** How patient the server is with control connections. */
export interface SocketSettings {
  /** Seconds between pings; a client that has not answered one when the next is due is gone. */
  readonly pingSeconds: number;
  /** Bytes that may wait for a client that does not read. */
  readonly mostWaiting: number;
  /** Connections at a time. */
  readonly most: number;
}

export const usualSocketSettings: SocketSettings = { pingSeconds: 20, mostWaiting: 4 << 20, most: 20_000 };

/** Frames of one message: each takes far more memory than a byte that it brings, and clients need one. */
const mostFragments = 64;

/** Codes of RFC 6455. */
const closeCodes = { normal: 1000, text: 1003, policy: 1008 } as const;

/** The control connections of a server: WebSockets at /api/runs/RUN/socket. */
export class Sockets {
  readonly #site: Site;
  readonly #settings: SocketSettings;
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: CONTROL_BYTES,
    maxFragments: mostFragments,
    clientTracking: false,
  });
  readonly #open = new Set<WebSocket>();
  #opened = 0;

  constructor(site: Site, settings: SocketSettings = usualSocketSettings) {
    this.#site = site;
    this.#settings = settings;
  }

  /** For the "upgrade" event of an HTTP server. A refusal is an HTTP answer like any other. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on("error", () => socket.destroy());
    try {
      const { run, origin } = this.#admit(request);
      this.#server.handleUpgrade(request, socket, head, (client) => this.#connect(client, run, origin));
    } catch (error) {
      this.#site.metrics.socket("refused");
      await refuse(socket, errorResponse(error));
    }
  }

  /** Ends all connections; those that do not take part in it within a moment are cut. */
  async close(milliseconds: number): Promise<void> {
    for (const client of this.#open) client.close(closeCodes.normal);
    const closed = [...this.#open].map(
      (client) => new Promise<void>((resolve) => client.once("close", () => resolve())),
    );
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    await Promise.race([Promise.all(closed), late]);
    clearTimeout(timer);
    for (const client of this.#open) client.terminate();
  }

  #admit(request: IncomingMessage): { readonly run: ServedRun; readonly origin: string } {
    const { addresses, trustProxy, limits } = this.#site;
    const peer = peerOf(request, trustProxy);
    limits.address.require(peer.address);
    const { headers } = request;
    const origin = requireOwnHost(headers.host, peer, addresses);
    requireOwnOrigin(new Headers(onlyTexts(headers)), origin);
    const id = /^\/api\/runs\/([\w-]{1,128})\/socket$/.exec(request.url?.split("?")[0] ?? "")?.[1];
    const run = requireRun(this.#site, id);
    if (this.#open.size >= this.#settings.most) throw full(this.#settings.most);
    return { run, origin };
  }

  #connect(client: WebSocket, run: ServedRun, origin: string): void {
    const { metrics, limits } = this.#site;
    const name = `socket ${++this.#opened}`;
    this.#open.add(client);
    metrics.socket("opened");
    const send = (message: ServerMessage) => {
      if (client.readyState !== client.OPEN) return;
      client.send(JSON.stringify(message));
      if (client.bufferedAmount <= this.#settings.mostWaiting) return;
      metrics.socket("too-slow");
      client.terminate();
    };
    const connection = run.live.connect({ origin, send, close: () => client.close(closeCodes.normal) });
    const stopPings = this.#watch(client);
    client.on("message", (data, isBinary) => {
      if (isBinary) return client.close(closeCodes.text);
      if (limits.message.take(name) > 0) return client.close(closeCodes.policy);
      connection.message(data.toString());
    });
    // a frame that breaks the protocol or is too long; "close" follows
    client.on("error", () => {});
    client.on("close", () => {
      stopPings();
      this.#open.delete(client);
      metrics.socket("closed");
      connection.closed();
    });
  }

  /** Pings; returns what stops that. */
  #watch(client: WebSocket): () => void {
    let answered = true;
    client.on("pong", () => {
      answered = true;
    });
    const timer = setInterval(() => {
      if (answered) {
        answered = false;
        return client.ping();
      }
      this.#site.metrics.socket("silent");
      client.terminate();
    }, this.#settings.pingSeconds * 1000);
    timer.unref();
    return () => clearInterval(timer);
  }
}

function full(most: number): HttpError {
  return new HttpError(503, {
    code: "http/full",
    message: "the server has as many connections as it takes",
    expected: `${most} at most`,
    advice: "Try again later.",
  });
}

/** Answers on a socket that has no response object. */
async function refuse(socket: Duplex, response: Response): Promise<void> {
  const body = await response.text();
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const length = Buffer.byteLength(body);
  socket.end(
    `HTTP/1.1 ${response.status} Refused\r\n${headers}content-length: ${length}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function onlyTexts(headers: IncomingMessage["headers"]): Record<string, string> {
  const { origin, "sec-fetch-site": site } = headers;
  return {
    ...(origin === undefined ? {} : { origin }),
    ...(typeof site === "string" ? { "sec-fetch-site": site } : {}),
  };
}
