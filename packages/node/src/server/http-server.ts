import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { createApp } from "./app.ts";
import { listeningError } from "./listening-error.ts";
import { type Peer, peerOf } from "./peer.ts";
import type { Site } from "./site.ts";
import { type SocketSettings, Sockets } from "./socket.ts";
import type { TlsFiles } from "./tls.ts";

/** Milliseconds that connections have to end when the server closes. */
const closingMs = 2000;

const limits = {
  /** Bytes of a request's line and headers. */
  maxHeaderSize: 16_384,
  /** Headers have to be there by then. */
  headersTimeout: 10_000,
  /** Bodies are watched where they are read: an upload may take hours, but not at a byte per second. */
  requestTimeout: 0,
  /** How often the above is looked at. */
  connectionsCheckingInterval: 2000,
  keepAliveTimeout: 30_000,
};

/** A connection on which nothing moves, e.g. of a client that does not take its download. Events and sockets ping. */
const idleMs = 120_000;
const mostConnections = 30_000;
const mostHeaders = 64;

export interface HttpServerOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly tls?: TlsFiles | undefined;
  readonly sockets?: SocketSettings;
}

export interface HttpServer {
  readonly port: number;
  /** Takes nothing new, lets what is under way end for a moment, then cuts it. */
  close(): Promise<void>;
}

/**
 * Serves a site on a port.
 *
 * @throws `server/port-taken`, `server/no-permission`, `server/host`
 */
export async function listen(
  site: Site,
  { host, port, tls, sockets: settings }: HttpServerOptions,
): Promise<HttpServer> {
  const app = createApp(site);
  const sockets = new Sockets(site, settings);
  const server = openServer((request, peer) => app.fetch(request, { peer }), { tls, trustProxy: site.trustProxy });
  server.on("upgrade", (request, socket, head) => void sockets.upgrade(request, socket, head));
  return listenAt(server, host, port, (milliseconds) => sockets.close(milliseconds));
}

/** Answers one request. */
export type Answer = (request: Request, peer: Peer) => Response | Promise<Response>;

/** A server that bounds what one connection may take. It does not listen yet. */
export function openServer(
  answer: Answer,
  { tls, trustProxy }: { readonly tls?: TlsFiles | undefined; readonly trustProxy: boolean },
): Server {
  const listener: RequestListener = getRequestListener(
    (request, { incoming }) => answer(request, peerOf(incoming as IncomingMessage, trustProxy)),
    { overrideGlobalObjects: false },
  );
  const server: Server =
    tls === undefined ? createServer(limits, listener) : createSecureServer({ ...limits, ...tls }, listener);
  server.maxConnections = mostConnections;
  server.maxHeadersCount = mostHeaders;
  server.setTimeout(idleMs);
  return server;
}

/**
 * @param closeFirst ends what is not a request, within so many milliseconds
 * @throws `server/port-taken`, `server/no-permission`, `server/host`
 */
export async function listenAt(
  server: Server,
  host: string,
  port: number,
  closeFirst: (milliseconds: number) => Promise<void> = async () => {},
): Promise<HttpServer> {
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (error) {
    throw listeningError(error, host, port);
  }
  const { port: bound } = server.address() as AddressInfo;
  return { port: bound, close: () => close(server, closeFirst) };
}

async function close(server: Server, closeFirst: (milliseconds: number) => Promise<void>): Promise<void> {
  const closed = once(server, "close");
  server.close();
  await closeFirst(closingMs / 2);
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), closingMs / 2);
  await closed;
  clearTimeout(timer);
}
