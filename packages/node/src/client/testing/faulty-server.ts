import { createHash } from "node:crypto";
import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";

/** What goes wrong with one request. */
export type Fault =
  /** The connection ends after so many bytes of the body, sent or received. */
  | { readonly kind: "cut"; readonly after: number }
  | { readonly kind: "status"; readonly status: number; readonly body?: unknown }
  /** Nothing is ever answered. */
  | { readonly kind: "silent" }
  /** Pieces with a pause between them. */
  | { readonly kind: "slow"; readonly pauseMs: number; readonly pieces: number }
  /** One byte of the answer is another one. */
  | { readonly kind: "wrong" }
  /** All is received, and the answer is lost. */
  | { readonly kind: "unanswered" };

interface Upload {
  bytes: Buffer;
  accepted: boolean;
}

export const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** A server of one run as far as a transport sees it, with faults that a test chooses for each request. */
export class FaultyServer {
  readonly blobs = new Map<string, Buffer>();
  /** By order, with its slashes as dots. */
  readonly uploads = new Map<string, Upload>();
  /** Method, path and the headers of each request. */
  readonly requests: { method: string; url: string; headers: http.IncomingHttpHeaders }[] = [];
  readonly sockets: WebSocket[] = [];
  /** The next requests' faults, in order. */
  readonly faults: (Fault | undefined)[] = [];
  /** Sent on every control connection as soon as it is open. */
  greeting: string | undefined;
  bytesSent = 0;
  bytesReceived = 0;
  onMessage: (socket: WebSocket, text: string) => void = (socket, text) => socket.send(text);
  readonly #server: http.Server;
  readonly #open = new Set<Duplex>();

  constructor(tls?: { readonly key: string; readonly cert: string }) {
    const handle: http.RequestListener = (request, response) => void this.#handle(request, response);
    this.#server = tls === undefined ? http.createServer(handle) : https.createServer(tls, handle);
    this.#server.on("connection", (socket: Duplex) => {
      this.#open.add(socket);
      socket.on("close", () => this.#open.delete(socket));
    });
    const upgrades = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    this.#server.on("upgrade", (request, socket, head) => {
      const fault = this.faults.shift();
      if (fault?.kind === "status") {
        const body = JSON.stringify(fault.body ?? {});
        socket.end(`HTTP/1.1 ${fault.status} No\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`);
        return;
      }
      if (fault?.kind === "silent") return;
      upgrades.handleUpgrade(request, socket, head, (client) => {
        this.sockets.push(client);
        if (this.greeting !== undefined) client.send(this.greeting);
        client.on("message", (data) => this.onMessage(client, String(data)));
        client.on("error", () => {});
      });
    });
  }

  async listen(host = "127.0.0.1"): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, host, resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  add(bytes: Uint8Array): string {
    const hash = sha256(bytes);
    this.blobs.set(hash, Buffer.from(bytes));
    return hash;
  }

  async #handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { method = "", url = "", headers } = request;
    this.requests.push({ method, url, headers });
    const fault = this.faults.shift();
    if (fault?.kind === "silent") return;
    if (fault?.kind === "status") {
      if (method === "PUT") request.resume();
      answer(response, fault.status, fault.body ?? { code: "test/fault", message: "a fault of the test" });
      return;
    }
    const { pathname, searchParams } = new URL(url, "http://test");
    const [, , , , kind = "", name = ""] = pathname.split("/");
    if (kind === "blobs") await this.#send(name, request, response, fault);
    else if (kind === "orders") await this.#receive(name, searchParams, request, response, fault);
    else answer(response, 404, {});
  }

  async #send(
    hash: string,
    request: http.IncomingMessage,
    response: http.ServerResponse,
    fault?: Fault,
  ): Promise<void> {
    const blob = this.blobs.get(hash);
    if (blob === undefined) return answer(response, 404, {});
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const range = { "content-range": `bytes ${from}-${blob.length - 1}/${blob.length}` };
    const rest = Buffer.from(blob.subarray(from));
    if (fault?.kind === "wrong") rest[rest.length >> 1]! ^= 1;
    response.writeHead(from > 0 ? 206 : 200, { "content-length": rest.length, ...(from > 0 ? range : {}) });
    if (fault?.kind === "cut") {
      const part = rest.subarray(0, fault.after);
      this.bytesSent += part.length;
      response.write(part, () => setTimeout(() => request.socket.destroy(), 5));
      return;
    }
    this.bytesSent += rest.length;
    if (fault?.kind !== "slow") return void response.end(rest);
    const piece = Math.ceil(rest.length / fault.pieces);
    for (let at = 0; at < rest.length; at += piece) {
      response.write(rest.subarray(at, at + piece));
      await new Promise((resolve) => setTimeout(resolve, fault.pauseMs));
    }
    response.end();
  }

  async #receive(
    order: string,
    query: URLSearchParams,
    request: http.IncomingMessage,
    response: http.ServerResponse,
    fault?: Fault,
  ): Promise<void> {
    const upload = this.uploads.get(order) ?? { bytes: Buffer.alloc(0), accepted: false };
    this.uploads.set(order, upload);
    const [total, hash] = [Number(query.get("total")), query.get("hash") ?? ""];
    const accepted = { status: "accepted", hash };
    if (request.method === "GET") {
      return upload.accepted ? answer(response, 200, accepted) : answer(response, 200, { offset: upload.bytes.length });
    }
    if (Number(query.get("offset")) !== upload.bytes.length) {
      request.resume();
      return answer(response, 308, { offset: upload.bytes.length });
    }
    let left = fault?.kind === "cut" ? fault.after : Number.POSITIVE_INFINITY;
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        const taken = chunk.subarray(0, left);
        upload.bytes = Buffer.concat([upload.bytes, taken]);
        this.bytesReceived += taken.length;
        left -= taken.length;
        if (left <= 0) return void request.socket.destroy();
      }
    } catch {
      return; // the client has left
    }
    if (upload.bytes.length < total) return answer(response, 308, { offset: upload.bytes.length });
    upload.accepted = sha256(upload.bytes) === hash;
    if (fault?.kind === "unanswered") return void request.socket.destroy();
    const refused = { status: "refused", code: "live/hash", message: "other bytes" };
    answer(response, 200, upload.accepted ? accepted : refused);
  }
}

function answer(response: http.ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response
    .writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) })
    .end(text);
}
