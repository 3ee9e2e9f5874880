import { AnabranchError } from "@anabranch/engine";
import * as z from "zod";
import { type Answer, Exchange } from "../client/exchange.ts";
import type { ServerTrust } from "../client/server-trust.ts";
import { type RunStatus, runList, runStatus } from "./run-status.ts";

/** Where a live run is steered. */
export interface RemoteOptions {
  /** Address of the server, of its page, or a join link. */
  readonly url: string;
  /** The run, where the server has several. */
  readonly run?: string | undefined;
  readonly trust: ServerTrust;
  /** The operator's token of a run for a server; undefined: none is known. */
  token(run: string, origin: string): Promise<string | undefined>;
}

export type RemoteAction = "pause" | "resume" | "stop";

/** Bytes of an answer: a status has some 300 of each client. */
const longestAnswer = 64 << 20;
const silentMs = 15_000;

const refusal = z.object({
  code: z.string().regex(/^[a-z-]+(\/[a-z-]+)?$/),
  message: z.string(),
  advice: z.string().optional(),
});

/**
 * Asks a server for the status of its run, or has it act first.
 *
 * @returns the status after it
 * @throws `usage/server-url`, `live/connection`, `live/certificate`, `operator/token`, `server/no-run`, `server/which-run`,
 *   and what the server refuses
 */
export async function remoteRun(options: RemoteOptions, action?: RemoteAction): Promise<RunStatus> {
  const { base, run: named } = parseServerUrl(options.url);
  const exchange = new Exchange(new URL(base).origin, options.trust, silentMs);
  try {
    const run = options.run ?? named ?? (await onlyRun(exchange, base));
    const token = await options.token(run, exchange.origin);
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const [method, path] = action === undefined ? (["GET", "status"] as const) : (["POST", action] as const);
    const response = await exchange.request(method, `${base}/api/runs/${encodeURIComponent(run)}/${path}`, headers);
    return understood(await exchange.readAnswer(response, longestAnswer), runStatus, base);
  } finally {
    exchange.close();
  }
}

/** The server and, in a join link, the run. What follows "#" is a token and is shown nowhere. */
export function parseServerUrl(text: string): { readonly base: string; readonly run: string | undefined } {
  const url = URL.parse(text.trim());
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "") {
    const [, path = "", run] = /^(.*?)(?:\/join\/([\w.-]+))?\/?$/.exec(url.pathname) ?? [];
    return { base: url.origin + path.replace(/\/+$/, ""), run };
  }
  throw new AnabranchError({
    code: "usage/server-url",
    message: "this is not the address of a server",
    received: JSON.stringify(text.split(/[#?]/)[0]),
    expected: "http(s)://HOST:PORT",
    advice: "Copy the address that anabranch serve printed.",
  });
}

async function onlyRun(exchange: Exchange, base: string): Promise<string> {
  const response = await exchange.request("GET", `${base}/api/runs`, {});
  const { runs } = understood(await exchange.readAnswer(response, longestAnswer), runList, base);
  const [first, second] = runs;
  if (first === undefined) {
    throw new AnabranchError({
      code: "server/no-run",
      message: "the server has no run yet",
      where: base,
      advice: "Try again in a moment: it is still reading the configuration and the data.",
    });
  }
  if (second === undefined) return first.run;
  throw new AnabranchError({
    code: "server/which-run",
    message: "the server has several runs",
    where: base,
    received: runs.map(({ run, name }) => `${run} (${name})`).join(", "),
    advice: "Name one of them with --run.",
  });
}

function understood<T>({ status, json }: Answer, schema: z.ZodType<T>, where: string): T {
  const parsed = schema.safeParse(json);
  if (status === 200 && parsed.success) return parsed.data;
  const refused = refusal.safeParse(json).data;
  if (refused !== undefined && status >= 400) throw new AnabranchError({ ...withoutNothing(refused), where });
  throw new AnabranchError({
    code: "live/protocol",
    message: "the server answers in a way that this command does not understand",
    where,
    received: `status ${status}`,
    advice: "Check that this is the address of anabranch serve, and that both have the same version.",
  });
}

function withoutNothing({ advice, ...rest }: z.infer<typeof refusal>) {
  return advice === undefined ? rest : { ...rest, advice };
}
