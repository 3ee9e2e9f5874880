import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { createApp } from "./app.ts";
import { listeningError } from "./listening-error.ts";
import { peerOf } from "./peer.ts";
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
  const listener: RequestListener = getRequestListener(
    (request, { incoming }) => app.fetch(request, { peer: peerOf(incoming as IncomingMessage, site.trustProxy) }),
    { overrideGlobalObjects: false },
  );
  const server: Server =
    tls === undefined ? createServer(limits, listener) : createSecureServer({ ...limits, ...tls }, listener);
  server.maxConnections = mostConnections;
  server.maxHeadersCount = mostHeaders;
  server.setTimeout(idleMs);
  const sockets = new Sockets(site, settings);
  server.on("upgrade", (request, socket, head) => void sockets.upgrade(request, socket, head));
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (error) {
    throw listeningError(error, host, port);
  }
  const { port: bound } = server.address() as AddressInfo;
  return {
    port: bound,
    close: () => close(server, sockets),
  };
}

async function close(server: Server, sockets: Sockets): Promise<void> {
  const closed = once(server, "close");
  server.close();
  await sockets.close(closingMs / 2);
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), closingMs / 2);
  await closed;
  clearTimeout(timer);
}
