import type { ClientTransport } from "@anabranch/core/live";
import { openControlSocket } from "./control-socket.ts";
import { Downloads } from "./downloads.ts";
import { Exchange } from "./exchange.ts";
import type { JoinAddress } from "./join-url.ts";
import type { ServerTrust } from "./server-trust.ts";
import { Uploads } from "./uploads.ts";

export interface TransportOptions {
  /** Default: Node's certificate authorities. */
  readonly trust?: ServerTrust;
  /** Larger blobs are refused with `client/limit`. Default: no limit. */
  readonly mostBytesDown?: number | undefined;
  /** A request on which no byte moves for so long fails with `live/connection`. Default: 30,000. */
  readonly silentMs?: number;
  /** A control connection without a sign of the server for twice as long ends. Default: 20,000. */
  readonly pingMs?: number;
}

/** The way to a server: control messages by WebSocket, tensors by HTTP. */
export interface NodeTransport extends ClientTransport {
  /** Ends all connections; requests under way fail with `live/stopped` or `live/connection`. */
  close(): void;
}

/**
 * Opens nothing yet. Every method makes one try: whether and when to try again is for the caller to decide. A call that
 * follows one that was cut off continues where that one ended.
 */
export function nodeTransport(
  { base, origin, run }: Pick<JoinAddress, "base" | "origin" | "run">,
  options: TransportOptions = {},
): NodeTransport {
  const { trust = { kind: "authorities" }, silentMs = 30_000, pingMs = 20_000, mostBytesDown } = options;
  const exchange = new Exchange(origin, trust, silentMs);
  const downloads = new Downloads(exchange, mostBytesDown);
  const uploads = new Uploads(exchange);
  const root = `${base}/api/runs/${encodeURIComponent(run)}`;
  const bearer = (session: string) => ({ authorization: `Bearer ${session}` });
  return {
    origin,
    connect: (on) => openControlSocket(exchange, `${root.replace(/^http/, "ws")}/socket`, on, pingMs),
    download: (session, hash, bytes, progress) =>
      downloads.fetch({ url: `${root}/blobs/${hash}`, hash, bytes }, bearer(session), progress),
    upload: (session, order, hash, bytes, progress) =>
      uploads.send({ url: `${root}/orders/${order.replaceAll("/", ".")}`, hash, bytes }, bearer(session), progress),
    close: () => exchange.close(),
  };
}
