import { networkInterfaces } from "node:os";
import type { LiveServer } from "@anabranch/core/live";
import type { RunFolder } from "../store/run-folder.ts";
import { operatorToken, writeOperatorFile } from "./operator.ts";
import type { OpenTls } from "./tls.ts";

/** What the operator has to know to let clients in. */
export interface Door {
  readonly run: string;
  readonly name: string;
  readonly folder: string;
  /** Address of the server, without a slash at its end. */
  readonly url: string;
  /** Address of the run's page. */
  readonly page: string;
  /** With the join token in its fragment, which browsers do not send. */
  readonly joinLink: string;
  readonly operatorToken: string;
  /** SHA-256 of a certificate that no authority has signed. */
  readonly fingerprint: string | undefined;
  readonly warnings: readonly string[];
}

/** Where clients find a server. */
export interface Whereabouts {
  readonly host: string;
  /** That the server listens at. */
  readonly port: number;
  readonly publicUrl?: string | undefined;
  readonly tls?: OpenTls | undefined;
}

/** The address that clients use, without a slash at its end. */
export function publicAddress({ host, port, publicUrl, tls }: Whereabouts): string {
  return publicUrl?.replace(/\/+$/, "") ?? addressOf(reachable(host), port, tls !== undefined);
}

/** @param url of the server */
export function joinLinkOf(url: string, run: string, token: string): string {
  return `${url}/join/${run}#token=${token}`;
}

export interface DoorOptions {
  /** Of the run. */
  readonly name: string;
  /** What the operator should know of the run. */
  readonly warnings: readonly string[];
  /** Seconds for which the join token lets new clients in; undefined: for ever. */
  readonly tokenSeconds: number | undefined;
  /** Clients that the join token admits; undefined: as many as the run has places. */
  readonly tokenPlaces?: number | undefined;
}

/** Makes a join token for a run, and the link with it. */
export async function openDoor(
  { name, warnings, tokenSeconds, tokenPlaces }: DoorOptions,
  at: Whereabouts,
  live: LiveServer,
  run: RunFolder,
): Promise<Door> {
  const expires = tokenSeconds === undefined ? undefined : Date.now() + tokenSeconds * 1000;
  const token = await live.addToken({ expires, places: tokenPlaces });
  const { host, port, tls } = at;
  const url = publicAddress(at);
  const operator = await operatorToken(run);
  const local = ["127.0.0.1", "localhost", reachable(host)].map((own) => addressOf(own, port, tls !== undefined));
  await writeOperatorFile(run, { token: operator, origins: [...new Set([new URL(url).origin, ...local])] });
  return {
    ...{ run: run.id, name, folder: run.folder, url, page: `${url}/runs/${run.id}` },
    joinLink: joinLinkOf(url, run.id, token),
    operatorToken: operator,
    fingerprint: tls?.isTrial === true ? tls.fingerprint : undefined,
    warnings: [...(tls?.warning === undefined ? [] : [tls.warning]), ...warnings],
  };
}

/** e.g. "https://[::1]:8080" */
export function addressOf(host: string, port: number, secure: boolean): string {
  return `${secure ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** The names and addresses that a certificate for trials has to be for. */
export function certificateNames(host: string, publicUrl: string | undefined): string[] {
  const named = publicUrl === undefined ? [] : [new URL(publicUrl).hostname];
  return [...new Set(["localhost", "127.0.0.1", reachable(host), ...named])];
}

/** An address that other machines can use where the server listens at all of its own. */
function reachable(host: string): string {
  if (host !== "0.0.0.0" && host !== "::") return host;
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ internal, family }) => !internal && family === "IPv4")?.address ?? "127.0.0.1";
}
