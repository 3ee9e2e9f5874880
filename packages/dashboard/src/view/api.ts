import { type LenientEvent, readEventLeniently } from "@anabranch/core";
import type { Failure } from "@anabranch/engine";
import { eventLines } from "./event-lines.ts";

const answerMs = 20_000;

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

/** Requests to the server that a page came from. */
export class Api {
  readonly #root: string;
  readonly #unreachable: string;
  /** Empty: none. */
  token = "";

  /**
   * @param root address below which the routes lie
   * @param unreachable what to do where the server cannot be reached
   */
  constructor(root: string, unreachable: string) {
    this.#root = root;
    this.#unreachable = unreachable;
  }

  /** The JSON of an answer. Throws `ApiError`. */
  async json(method: string, path: string, body?: unknown, deadlineMs = answerMs): Promise<unknown> {
    const response = await this.#request(method, path, AbortSignal.timeout(deadlineMs), body);
    return response.json();
  }

  /** The events of a run in pieces as they arrive: first those of the past, then new ones. Ends with the connection. */
  async *events(path: string, signal: AbortSignal): AsyncGenerator<readonly LenientEvent[]> {
    const response = await this.#request("GET", path, signal);
    for await (const lines of eventLines(response.body!)) yield lines.flatMap((line) => readEvent(line) ?? []);
  }

  async #request(method: string, path: string, signal: AbortSignal, body?: unknown): Promise<Response> {
    const headers: Record<string, string> = this.token === "" ? {} : { authorization: `Bearer ${this.token}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    const init = {
      method,
      headers,
      signal,
      cache: "no-store",
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    const response = await fetch(this.#root + path, init as RequestInit).catch(() => {
      throw new ApiError(0, unreachable(this.#unreachable));
    });
    if (!response.ok) throw new ApiError(response.status, await refusalOf(response));
    return response;
  }
}

/** A line that a crash has cut is no event. */
function readEvent(line: string): LenientEvent | undefined {
  try {
    return readEventLeniently(JSON.parse(line));
  } catch {
    return undefined;
  }
}

async function refusalOf(response: Response): Promise<Failure> {
  const body: unknown = await response.json().catch(() => undefined);
  const entries = typeof body === "object" && body !== null ? Object.entries(body) : [];
  const texts = Object.fromEntries(entries.filter(([, value]) => typeof value === "string" && value !== ""));
  const { code = `http/${response.status}`, message = `the server has answered with status ${response.status}` } =
    texts;
  const more = ["where", "received", "expected", "advice"].filter((key) => texts[key] !== undefined);
  return { code, message, ...Object.fromEntries(more.map((key) => [key, texts[key]])) };
}

function unreachable(advice: string): Failure {
  return { code: "live/connection", message: "the server cannot be reached", advice };
}
