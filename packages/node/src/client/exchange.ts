import * as http from "node:http";
import * as https from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { AnabranchError } from "@anabranch/engine";
import { connectionError } from "./connection-error.ts";
import { type ServerTrust, timedOut, trustingAgent } from "./server-trust.ts";

/** Bytes that are given to a connection at a time. */
const pieceBytes = 2 ** 20;

/** Longest JSON answer. */
const answerBytes = 65_536;

/** A request's body. */
export interface Body {
  readonly bytes: Uint8Array;
  /** Called with how many bytes were given to the connection. */
  sent(bytes: number): void;
}

/** An answer that was read to its end. */
export interface Answer {
  readonly status: number;
  /** Undefined where the body is no JSON, or too long. */
  readonly json: unknown;
  readonly location: string | undefined;
}

/** HTTP requests to one server. Connections stay open between requests; one on which no byte moves for too long is given up. */
export class Exchange {
  readonly origin: string;
  readonly agent: http.Agent;
  readonly silentMs: number;
  readonly #secure: boolean;
  readonly #open = new Set<http.ClientRequest>();

  constructor(origin: string, trust: ServerTrust, silentMs: number) {
    this.origin = origin;
    this.silentMs = silentMs;
    this.#secure = origin.startsWith("https:");
    this.agent = trustingAgent(this.#secure, trust, silentMs);
  }

  /**
   * Sends a request and resolves with the head of its answer. A connection that the server had closed before is replaced
   * once. Throws `live/connection`, `live/certificate`, `live/protocol`.
   */
  async request(
    method: "GET" | "PUT" | "POST" | "DELETE",
    url: string,
    headers: Readonly<Record<string, string>>,
    body?: Body,
  ): Promise<http.IncomingMessage> {
    for (let attempt = 0; ; attempt++) {
      const request = this.#begin(method, url, headers, body);
      try {
        return await headOf(request, body);
      } catch (error) {
        if (request.reusedSocket && attempt === 0 && isCut(error)) continue;
        throw connectionError(error, this.origin);
      }
    }
  }

  /** Reads a short answer to its end. @param limit bytes */
  async readAnswer(response: http.IncomingMessage, limit = answerBytes): Promise<Answer> {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of this.chunks(response)) {
      length += chunk.length;
      if (length > limit) break; // ends the connection, too
      chunks.push(chunk);
    }
    return {
      status: response.statusCode ?? 0,
      json: length > limit ? undefined : parsed(Buffer.concat(chunks).toString("utf8")),
      location: response.headers.location,
    };
  }

  /** The body of an answer as it comes. Whoever leaves early ends the connection. */
  async *chunks(response: http.IncomingMessage): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of response) yield chunk;
    } catch (error) {
      throw connectionError(error, this.origin);
    }
  }

  /** Ends all connections. */
  close(): void {
    for (const request of this.#open) request.destroy(stopped());
    this.agent.destroy();
  }

  #begin(method: string, url: string, headers: Readonly<Record<string, string>>, body?: Body): http.ClientRequest {
    const length = body === undefined ? {} : { "content-length": String(body.bytes.length) };
    const request = (this.#secure ? https : http).request(url, {
      method,
      agent: this.agent,
      timeout: this.silentMs,
      headers: { ...headers, ...length, accept: "*/*", "accept-encoding": "identity" },
    });
    this.#open.add(request);
    request.on("timeout", () => request.destroy(timedOut()));
    request.on("close", () => this.#open.delete(request));
    return request;
  }
}

/** Sends a request's body and waits for the head of the answer, which may come before all is sent. */
function headOf(request: http.ClientRequest, body: Body | undefined): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on("error", reject);
    request.on("response", (response) => {
      // a refusal can come before all is sent; the rest is not wanted
      response.on("end", () => request.writableFinished || request.destroy());
      resolve(response);
    });
    if (body === undefined) request.end();
    else pipeline(Readable.from(pieces(body)), request).catch(reject);
  });
}

function* pieces({ bytes, sent }: Body): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    sent(at);
    yield bytes.subarray(at, at + pieceBytes);
  }
  sent(bytes.length);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isCut(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");
}

function stopped(): AnabranchError {
  return new AnabranchError({ code: "live/stopped", message: "the client has ended its connections" });
}
