import { AnabranchError } from "@anabranch/engine";
import type { Command } from "commander";
import type { RemoteServer } from "../server/remote-server.ts";
import { findRun } from "../store/find-run.ts";
import { openRunFolder } from "../store/run-folder.ts";
import type { GlobalOptions } from "./globals.ts";

/** Options of commands that talk to a live server. */
export interface RemoteFlags {
  readonly run?: string;
  readonly token?: string;
  readonly ca?: string;
  readonly fingerprint?: string;
}

export function withRemoteOptions(command: Command): Command {
  return command
    .option("--run <run>", "id or name of the run, if the server has several")
    .option("--token <token>", "operator token; ANABRANCH_OPERATOR_TOKEN keeps it out of the process list")
    .option("--ca <file>", "certificates (PEM) that the server's certificate must be signed by")
    .option("--fingerprint <sha256>", "fingerprint that the server's certificate must have");
}

/** The server that a command talks to. */
export async function openRemote(url: string, flags: RemoteFlags, globals: GlobalOptions): Promise<RemoteServer> {
  // loaded here: other commands need no connections
  const { readServerTrust } = await import("../client/index.ts");
  const { RemoteServer } = await import("../server/remote-server.ts");
  const trust = await readServerTrust(flags);
  const token = (run: string, origin: string) => operatorTokenFor(run, origin, flags, globals);
  return new RemoteServer({ url, run: flags.run, trust, token });
}

/** Whether an argument is an address and not the name of a run. */
export function isUrl(text: string): boolean {
  return /^https?:\/\//i.test(text.trim());
}

/**
 * The token of the command line, of the environment, or of the run's folder where that is on this machine. The last is sent
 * to no other address than that at which the run is served: another server could name the run too.
 */
async function operatorTokenFor(
  run: string,
  origin: string,
  { token }: RemoteFlags,
  { runs }: GlobalOptions,
): Promise<string | undefined> {
  const given = token ?? process.env["ANABRANCH_OPERATOR_TOKEN"];
  if (given !== undefined && given !== "") return given;
  const { readOperatorFile } = await import("../server/operator.ts");
  try {
    const known = await readOperatorFile(await openRunFolder((await findRun(runs, run)).folder));
    return known?.origins.includes(origin) === true ? known.token : undefined;
  } catch {
    return undefined; // the server says what it needs
  }
}

/** @throws `usage/option` where options of an address go with a run of this machine */
export function refuseRemoteOptions({ run, token, ca, fingerprint }: RemoteFlags): void {
  if ((run ?? token ?? ca ?? fingerprint) === undefined) return;
  throw new AnabranchError({
    code: "usage/option",
    message: "--run, --token, --ca and --fingerprint need the address of a server",
    advice: "Leave them out for a run on this machine. See: anabranch resume --help",
  });
}
