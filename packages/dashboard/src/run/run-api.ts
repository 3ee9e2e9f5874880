import { type LenientEvent, readEventLeniently } from "@anabranch/core";
import type { LiveStatus } from "@anabranch/core/live";
import type { Failure } from "@anabranch/engine";
import { eventLines } from "./event-lines.ts";

/** What the server tells of a run. */
export interface RunStatus extends LiveStatus {
  readonly name: string;
}

export interface ListedRun {
  readonly run: string;
  readonly name: string;
  readonly state: string;
}

/** A request that the server has refused, or that did not reach it. */
export class ApiError extends Error {
  /** 0: the server was not reached. */
  readonly status: number;
  readonly failure: Failure;

  constructor(status: number, failure: Failure) {
    super(failure.message);
    this.status = status;
    this.failure = failure;
  }
}

/** The routes of a server for those who watch and steer its runs. */
export class RunApi {
  readonly #root: string;
  /** The operator's token; empty: none. */
  token = "";

  /** @param root address below which the routes lie, with a slash at its end */
  constructor(root: string) {
    this.#root = `${root}api/runs`;
  }

  async list(): Promise<readonly ListedRun[]> {
    const { runs } = (await this.#json("GET", "")) as { runs: ListedRun[] };
    return runs;
  }

  async status(run: string): Promise<RunStatus> {
    return (await this.#json("GET", `/${encodeURIComponent(run)}/status`)) as RunStatus;
  }

  /** @param action such as "pause" or "clients/3/eject" */
  async steer(run: string, action: string): Promise<RunStatus> {
    return (await this.#json("POST", `/${encodeURIComponent(run)}/${action}`)) as RunStatus;
  }

  /** The events of a run in pieces as they arrive: first those of the past, then new ones. Ends with the connection. */
  async *events(run: string, signal: AbortSignal): AsyncGenerator<readonly LenientEvent[]> {
    const response = await this.#request("GET", `/${encodeURIComponent(run)}/events`, signal);
    for await (const lines of eventLines(response.body!)) {
      yield lines.flatMap((line) => readEventLeniently(JSON.parse(line)) ?? []);
    }
  }

  async #json(method: string, path: string): Promise<unknown> {
    const response = await this.#request(method, path, AbortSignal.timeout(20_000));
    return response.json();
  }

  async #request(method: string, path: string, signal: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = this.token === "" ? {} : { authorization: `Bearer ${this.token}` };
    const response = await fetch(this.#root + path, { method, headers, signal, cache: "no-store" }).catch(() => {
      throw new ApiError(0, unreachable);
    });
    if (!response.ok) throw new ApiError(response.status, await refusalOf(response));
    return response;
  }
}

async function refusalOf(response: Response): Promise<Failure> {
  const body: unknown = await response.json().catch(() => undefined);
  const text = (key: string) => {
    const value = typeof body === "object" && body !== null ? Object.entries(body).find(([k]) => k === key)?.[1] : "";
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const advice = text("advice");
  return {
    code: text("code") ?? `http/${response.status}`,
    message: text("message") ?? `the server has answered with status ${response.status}`,
    ...(advice !== undefined && { advice }),
  };
}

const unreachable: Failure = {
  code: "live/connection",
  message: "the server cannot be reached",
  advice: "This page tries again by itself. A server ends with its run: see whether anabranch serve is still running.",
};
