import type * as z from "zod";
import { HttpError } from "./http-error.ts";

/** How slowly a body may come. */
export interface Pace {
  /** Bytes per second at least, averaged since the beginning. */
  readonly bytesPerSecond: number;
  /** Seconds by which it may be behind. */
  readonly graceSeconds: number;
}

export const usualPace: Pace = { bytesPerSecond: 1024, graceSeconds: 20 };

/** Bytes of a JSON body. */
const longestJson = 65_536;

/** Levels of a JSON body; a configuration has five. What reads deeper ones could exhaust the stack. */
const deepestJson = 32;

/**
 * The parts of a request's body while they come fast enough and are not too many: a connection that sends a byte now and
 * then would else be held for ever.
 *
 * @param limit bytes
 * @param signal aborted: the body ends where it is
 * @throws HttpError 408 `http/too-slow`, 413 `http/too-large`
 */
export async function* steadyBody(
  body: ReadableStream<Uint8Array> | null,
  limit: number,
  pace: Pace,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  signal?.addEventListener("abort", () => void reader.cancel().catch(() => undefined), { once: true });
  const started = performance.now();
  let received = 0;
  try {
    for (;;) {
      const due = started + (pace.graceSeconds + received / pace.bytesPerSecond) * 1000;
      const { done, value } = await within(reader.read(), due - performance.now(), tooSlow);
      if (done) return;
      received += value.length;
      if (received > limit) throw tooLarge(limit);
      yield value;
    }
  } finally {
    // what is left is not read: the server closes the connection
    await reader.cancel().catch(() => undefined);
  }
}

/**
 * A small JSON body, checked.
 *
 * @throws HttpError 400 `http/invalid`, 415 `http/media-type`, and as `steadyBody`
 */
export async function jsonBody<T>(request: Request, schema: z.ZodType<T>, pace: Pace): Promise<T> {
  // pages of other sites can send every other type unasked
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  const parts: Uint8Array[] = [];
  for await (const part of steadyBody(request.body, longestJson, pace)) parts.push(part);
  const text = Buffer.concat(parts).toString("utf8");
  if (text !== "" && type !== "application/json") {
    throw new HttpError(415, {
      code: "http/media-type",
      message: "the body is not JSON",
      received: type ?? "no Content-Type",
      expected: "application/json",
    });
  }
  const parsed = schema.safeParse(text === "" ? {} : parseJson(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(`${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`.trim());
}

/** A request that must have no body and has one: the connection would wait for the rest of it, however slowly that comes. */
export function hasUnreadBody({ method, headers }: Request): boolean {
  return (method === "GET" || method === "HEAD") && (headers.has("content-length") || headers.has("transfer-encoding"));
}

export function invalid(message: string): HttpError {
  return new HttpError(400, {
    code: "http/invalid",
    message: `the request is not valid: ${message}`,
    advice: "The routes are described at /api/openapi.json.",
  });
}

function parseJson(text: string): unknown {
  if (isDeeperThan(text, deepestJson)) throw invalid(`the body is nested in more than ${deepestJson} levels`);
  try {
    return JSON.parse(text);
  } catch {
    throw invalid("the body is not JSON");
  }
}

/** Whether a text of JSON opens more levels than it may; a loop over its characters, so that no depth harms it. */
function isDeeperThan(text: string, most: number): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"') inString = !inString;
    else if (inString) at += character === "\\" ? 1 : 0;
    else if (character === "[" || character === "{") depth++;
    else if (character === "]" || character === "}") depth--;
    if (depth > most) return true;
  }
  return false;
}

async function within<T>(work: Promise<T>, milliseconds: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), Math.max(0, milliseconds));
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}

function tooSlow(): HttpError {
  return new HttpError(
    408,
    {
      code: "http/too-slow",
      message: "the body of the request came too slowly",
      advice: "Uploads can be continued from the offset that the server has.",
    },
    { Connection: "close" },
  );
}

export function tooLarge(limit: number): HttpError {
  return new HttpError(
    413,
    { code: "http/too-large", message: "the body of the request is too large", expected: `${limit} bytes at most` },
    { Connection: "close" },
  );
}
