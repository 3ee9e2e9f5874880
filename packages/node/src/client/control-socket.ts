import { answerError, CONTROL_BYTES } from "@anabranch/core/live";
import { WebSocket } from "ws";
import { handshakeError } from "./connection-error.ts";
import type { Exchange } from "./exchange.ts";

/** What a control connection reports. */
export interface SocketEvents {
  message(text: string): void;
  /** Once, whichever side has ended the connection. */
  closed(reason: string): void;
}

/** Time for the other side to answer the end of a connection. */
const closingMs = 2_000;

/**
 * Opens the control connection. A server that stops answering is noticed by pings: the connection ends after twice
 * `pingMs` without a sign of it.
 *
 * @throws `live/connection` where another try can succeed, and what `handshakeError` and `answerError` say
 */
export function openControlSocket(
  exchange: Exchange,
  url: string,
  on: SocketEvents,
  pingMs: number,
): Promise<{ send(text: string): void; close(): void }> {
  const socket = new WebSocket(url, {
    agent: exchange.agent,
    handshakeTimeout: exchange.silentMs,
    perMessageDeflate: false,
    maxPayload: CONTROL_BYTES,
    followRedirects: false,
  });
  return new Promise((resolve, reject) => {
    let failure: Error | undefined;
    socket.on("error", (error) => {
      failure = error;
      reject(handshakeError(error, exchange.origin));
    });
    socket.on("unexpected-response", (_request, response) => {
      exchange
        .readAnswer(response)
        .then(({ status, json, location }) => reject(answerError(status, json, url, location)), reject)
        .finally(() => socket.terminate());
    });
    socket.on("open", () => {
      // the server speaks first: its words wait until the caller has its connection
      socket.pause();
      setImmediate(() => socket.resume());
      const stop = watch(socket, pingMs);
      socket.on("message", (data, isBinary) => {
        if (isBinary) socket.close(1003, "control messages are text");
        else on.message(String(data));
      });
      socket.on("close", (code, reason) => {
        stop();
        on.closed(reasonOf(code, String(reason), failure));
      });
      resolve({
        send: (text) => socket.send(text, () => {}), // what cannot be sent is told by `closed`
        close: () => closeSoon(socket),
      });
    });
  });
}

/** Ends the connection when the server shows no sign of life between two pings. Returns what stops the watch. */
function watch(socket: WebSocket, pingMs: number): () => void {
  let alive = true;
  const sign = () => {
    alive = true;
  };
  socket.on("pong", sign).on("ping", sign).on("message", sign);
  const timer = setInterval(() => {
    if (!alive) return socket.terminate();
    alive = false;
    socket.ping();
  }, pingMs);
  return () => clearInterval(timer);
}

function closeSoon(socket: WebSocket): void {
  socket.close(1000);
  const timer = setTimeout(() => socket.terminate(), closingMs);
  socket.once("close", () => clearTimeout(timer));
}

function reasonOf(code: number, reason: string, failure: Error | undefined): string {
  if (reason !== "") return reason;
  if (failure !== undefined) return failure.message;
  return code === 1006 ? "the connection was cut off" : `the server has ended the connection (${code})`;
}
