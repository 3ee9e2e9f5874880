import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { TLSSocket } from "node:tls";

/** The other end of a request, as the socket and not the request tells. */
export interface Peer {
  /** Address that the request came from. */
  readonly address: string;
  /** Address of this machine that it came to. */
  readonly local: string;
  /** Port of this machine that it came to. */
  readonly port: number;
  readonly encrypted: boolean;
}

/** What the routes know of a request beside its text. */
export interface RequestEnv {
  readonly Bindings: { readonly peer: Peer };
}

/**
 * @param trustProxy whether a reverse proxy stands before the server: the last entry of X-Forwarded-For is then the address
 *   that the proxy saw. Entries before it are the client's own claims.
 */
export function peerOf({ socket, headers }: IncomingMessage, trustProxy: boolean): Peer {
  const forwarded = trustProxy ? lastForwarded(headers["x-forwarded-for"]) : undefined;
  return {
    address: forwarded ?? plainAddress(socket.remoteAddress ?? ""),
    local: plainAddress(socket.localAddress ?? ""),
    port: socket.localPort ?? 0,
    encrypted: socket instanceof TLSSocket,
  };
}

/** Whether an address never leaves the machine. */
export function isLoopback(address: string): boolean {
  const plain = plainAddress(address);
  return plain === "localhost" || plain === "::1" || (isIP(plain) === 4 && plain.startsWith("127."));
}

/** An address without the form that IPv6 gives to IPv4 ones, and without brackets. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:/i, "").replace(/^\[(.*)\]$/, "$1");
}

function lastForwarded(header: string | string[] | undefined): string | undefined {
  const last = (Array.isArray(header) ? header.join(",") : header)?.split(",").at(-1)?.trim();
  return last !== undefined && isIP(last) !== 0 ? last : undefined;
}
