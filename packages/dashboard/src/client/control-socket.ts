import { CONTROL_BYTES } from "@anabranch/core/live";
import { AnabranchError } from "@anabranch/engine";
import { connectionLost } from "./connection-lost.ts";
import { jsonOf } from "./exchange.ts";

/** What a control connection reports. */
export interface SocketEvents {
  message(text: string): void;
  /** Once, whichever side has ended the connection. */
  closed(reason: string): void;
}

/** Time for a connection to open. */
const openMs = 20_000;
/** A page cannot send pings: so often it looks whether the server is still there. */
const lookMs = 30_000;

/**
 * Opens the control connection. Throws `live/connection` where another try can succeed, `live/run` where the server does not
 * have the run.
 *
 * @param api address of the run's routes
 */
export async function openControlSocket(
  api: string,
  on: SocketEvents,
): Promise<{ send(text: string): void; close(): void }> {
  const socket = new WebSocket(`${api.replace(/^http/, "ws")}/socket`);
  if (!(await opens(socket))) throw await whyNot(api);
  const stop = watch(api, socket);
  let over = false;
  const end = (reason: string) => {
    if (over) return;
    over = true;
    stop();
    on.closed(reason);
  };
  socket.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (typeof data === "string" && data.length <= CONTROL_BYTES) return on.message(data);
    end("the server has sent more than a control message may have");
    socket.close();
  };
  socket.onclose = ({ code, reason }) => end(reasonOf(code, reason));
  return {
    // what cannot be sent is told by `closed`
    send: (text) => socket.readyState === WebSocket.OPEN && socket.send(text),
    close: () => socket.close(1000),
  };
}

function opens(socket: WebSocket): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.close(), openMs);
    const settle = (open: boolean) => {
      clearTimeout(timer);
      resolve(open);
    };
    socket.onopen = () => settle(true);
    socket.onclose = () => settle(false);
  });
}

/** A browser does not tell what a server answers to a WebSocket: its list of runs shows whether this one is there. */
async function whyNot(api: string): Promise<AnabranchError> {
  const at = api.lastIndexOf("/");
  const run = decodeURIComponent(api.slice(at + 1));
  const response = await look(api.slice(0, at));
  if (response?.ok !== true) return connectionLost(api);
  const answer = await jsonOf(response).catch(() => undefined);
  const runs = typeof answer === "object" && answer !== null && "runs" in answer ? answer.runs : undefined;
  const known = !Array.isArray(runs) || runs.length === 0 || runs.some((entry) => entry?.run === run);
  if (known) return connectionLost(api);
  return new AnabranchError({
    code: "live/run",
    message: "the server does not have this run",
    received: run,
    advice: "The run may be over. Ask the operator for a new link.",
  });
}

/** Ends a connection whose server has not answered twice. Returns what stops the watch. */
function watch(api: string, socket: WebSocket): () => void {
  let missed = 0;
  const timer = setInterval(async () => {
    const answered = (await look(api.slice(0, api.lastIndexOf("/")))) !== undefined;
    missed = answered ? 0 : missed + 1;
    if (missed < 2) return;
    socket.onclose?.(new CloseEvent("close", { code: 1006 }));
    socket.close();
  }, lookMs);
  return () => clearInterval(timer);
}

function look(url: string): Promise<Response | undefined> {
  return fetch(url, { cache: "no-store", signal: AbortSignal.timeout(openMs) }).catch(() => undefined);
}

function reasonOf(code: number, reason: string): string {
  if (reason !== "") return reason;
  return code === 1006 ? "the connection was cut off" : `the server has ended the connection (${code})`;
}
