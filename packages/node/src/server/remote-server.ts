import { AnabranchError } from "@anabranch/engine";
import * as z from "zod";
import { type Answer, Exchange } from "../client/exchange.ts";
import type { ServerTrust } from "../client/server-trust.ts";
import { type ListedRun, type RunStatus, runList, runStatus } from "./run-status.ts";
import { type MadeToken, madeToken, type TokenList, type TokenRequest, tokenList } from "./token-schemas.ts";

export interface RemoteOptions {
  /** Address of the server or of a run's page, or a join link. */
  readonly url: string;
  /** Id or name of the run, where the address has none. */
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
 * A server as the operator of a run uses it from elsewhere. All methods throw `live/connection`, `live/certificate`,
 * `live/protocol`, and what the server refuses, such as `operator/token`.
 */
export class RemoteServer implements Disposable {
  readonly #base: string;
  readonly #wanted: string | undefined;
  readonly #exchange: Exchange;
  readonly #options: RemoteOptions;

  /** @throws `usage/server-url` */
  constructor(options: RemoteOptions) {
    const { base, run } = parseServerUrl(options.url);
    this.#options = options;
    this.#base = base;
    this.#wanted = run;
    this.#exchange = new Exchange(new URL(base).origin, options.trust, silentMs);
  }

  /** Address of the server, without a slash at its end. */
  get base(): string {
    return this.#base;
  }

  /** Whether a run was named. */
  get namesRun(): boolean {
    return (this.#options.run ?? this.#wanted) !== undefined;
  }

  async list(): Promise<readonly ListedRun[]> {
    const response = await this.#exchange.request("GET", `${this.#base}/api/runs`, {});
    return understood(await this.#exchange.readAnswer(response, longestAnswer), runList, this.#base).runs;
  }

  /** The id of the run that is meant. Throws `server/no-run`, `server/which-run`. */
  async chosenRun(): Promise<string> {
    const { run } = this.#options;
    if (run === undefined && this.#wanted !== undefined) return this.#wanted;
    return chooseRun(await this.list(), run, this.#base);
  }

  status(run: string): Promise<RunStatus> {
    return this.#request(run, "GET", "status", runStatus);
  }

  /** Has the server act. Returns the status after it. */
  act(run: string, action: RemoteAction): Promise<RunStatus> {
    return this.#request(run, "POST", action, runStatus);
  }

  async tokens(run: string): Promise<TokenList["tokens"]> {
    return (await this.#request(run, "GET", "tokens", tokenList)).tokens;
  }

  addToken(run: string, request: TokenRequest): Promise<MadeToken> {
    return this.#request(run, "POST", "tokens", madeToken, request);
  }

  /** @param hash of the token */
  async revokeToken(run: string, hash: string): Promise<void> {
    await this.#request(run, "DELETE", `tokens/${encodeURIComponent(hash)}`, z.object({ revoked: z.string() }));
  }

  [Symbol.dispose](): void {
    this.#exchange.close();
  }

  async #request<T>(
    run: string,
    method: "GET" | "POST" | "DELETE",
    path: string,
    schema: z.ZodType<T>,
    body?: unknown,
  ): Promise<T> {
    const token = await this.#options.token(run, this.#exchange.origin);
    const headers = {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    };
    const url = `${this.#base}/api/runs/${encodeURIComponent(run)}/${path}`;
    const sent = body === undefined ? undefined : { bytes: Buffer.from(JSON.stringify(body)), sent: () => {} };
    const response = await this.#exchange.request(method, url, headers, sent);
    return understood(await this.#exchange.readAnswer(response, longestAnswer), schema, this.#base);
  }
}

/** The server and, in the address of a run's page or a join link, the run. What follows "#" is a token and is shown nowhere. */
export function parseServerUrl(text: string): { readonly base: string; readonly run: string | undefined } {
  const url = URL.parse(text.trim());
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "") {
    const [, path = "", run] = /^(.*?)(?:\/(?:join|runs)\/([\w.-]+))?\/?$/.exec(url.pathname) ?? [];
    return { base: url.origin + path.replace(/\/+$/, ""), run };
  }
  throw new AnabranchError({
    code: "usage/server-url",
    message: "this is not the address of a server",
    received: JSON.stringify(text.split(/[#?]/)[0]),
    expected: "http(s)://HOST:PORT, with /runs/RUN for one of several runs",
    advice: "Copy the address that anabranch serve printed.",
  });
}

/** @param wanted an id or a name; undefined: the only run */
function chooseRun(runs: readonly ListedRun[], wanted: string | undefined, where: string): string {
  if (runs.length === 0) {
    throw new AnabranchError({
      code: "server/no-run",
      message: "the server has no run yet",
      where,
      advice: "Try again in a moment: it is still reading the configuration and the data.",
    });
  }
  const fits = wanted === undefined ? runs : runs.filter(({ run }) => run === wanted);
  const found = fits.length === 0 ? runs.filter(({ name }) => name === wanted) : fits;
  if (found.length === 1) return found[0]!.run;
  const several = wanted === undefined ? "the server has several runs" : `${found.length} runs of the server fit`;
  throw new AnabranchError({
    code: "server/which-run",
    message: found.length === 0 ? "the server has no such run" : several,
    where,
    ...(wanted === undefined ? {} : { received: JSON.stringify(wanted) }),
    expected: `one of ${runs.map(({ run, name }) => (name === "" ? run : `${run} (${name})`)).join(", ")}`,
    advice: "Name one of them with --run, or give the address of its page.",
  });
}

function understood<T>({ status, json }: Answer, schema: z.ZodType<T>, where: string): T {
  const parsed = schema.safeParse(json);
  if ((status === 200 || status === 201) && parsed.success) return parsed.data;
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
