import { hostname } from "node:os";
import { HttpError } from "./http-error.ts";
import { isLoopback, type Peer, plainAddress } from "./peer.ts";

/** Under which addresses the server may be called. */
export interface Addresses {
  /** The address that it listens at: a name, an IP address, or "0.0.0.0" or "::" for all of the machine. */
  readonly host: string;
  /** The address that clients use where that is another one: behind a proxy, or mapped by a container. */
  readonly publicUrl?: string | undefined;
}

/**
 * The origin that a request was sent to, e.g. "http://127.0.0.1:8080". Clients sign it when they join.
 *
 * A name that the server does not know as its own is refused, for two reasons. A page of another site can have its own name
 * resolve to this machine, and would then be allowed to read what is answered (DNS rebinding). And a machine in the middle
 * could pass a client's signature on.
 *
 * @param host the request's Host header
 * @throws HttpError 421 `http/host`
 */
export function requireOwnHost(host: string | undefined, peer: Peer, addresses: Addresses): string {
  const publicOrigin = addresses.publicUrl === undefined ? undefined : new URL(addresses.publicUrl);
  if (publicOrigin !== undefined && host?.toLowerCase() === publicOrigin.host) return publicOrigin.origin;
  const origin = originOf(host, peer.encrypted);
  if (origin !== undefined && isOwn(origin, peer, addresses.host)) return origin.origin;
  throw new HttpError(421, {
    code: "http/host",
    message: "the server does not know itself by this address",
    where: "header Host",
    received: JSON.stringify(host ?? "")?.slice(0, 300),
    advice: "Use the address that the command printed. For another name or port start serve with --public-url URL.",
  });
}

function originOf(host: string | undefined, encrypted: boolean): URL | undefined {
  if (host === undefined || !/^(\[[0-9a-f:.]+\]|[\w.-]+)(:\d{1,5})?$/i.test(host)) return undefined;
  const url = `${encrypted ? "https" : "http"}://${host}`;
  return URL.canParse(url) ? new URL(url) : undefined;
}

function isOwn({ hostname: called, port }: URL, { local, port: bound, encrypted }: Peer, host: string): boolean {
  // at another port of this machine somebody else may answer
  if (Number(port || (encrypted ? 443 : 80)) !== bound) return false;
  const name = plainAddress(called).toLowerCase();
  if (name === local || name === host.toLowerCase()) return true;
  if (isLoopback(name)) return isLoopback(local);
  const own = hostname().toLowerCase();
  return name === own || name === `${own}.local`;
}

/**
 * Refuses what a page of another site had the browser send. Requests without an Origin come from no page.
 *
 * @param own the origin that the request was sent to
 * @throws HttpError 403 `http/origin`
 */
export function requireOwnOrigin(headers: { get(name: string): string | null | undefined }, own: string): void {
  const origin = headers.get("origin") ?? undefined;
  const site = headers.get("sec-fetch-site") ?? undefined;
  const foreign = origin !== undefined && origin.toLowerCase() !== own.toLowerCase();
  if (!foreign && (site === undefined || site === "same-origin" || site === "none")) return;
  throw new HttpError(403, {
    code: "http/origin",
    message: "requests from pages of other sites are refused",
    where: "header Origin",
    received: JSON.stringify(origin ?? site).slice(0, 300),
    expected: own,
    advice: "Open the page at the address that the command printed.",
  });
}
