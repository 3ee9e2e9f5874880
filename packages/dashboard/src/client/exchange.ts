import { connectionLost } from "./connection-lost.ts";

/** A request on which no byte moves for so long is given up. */
const silentMs = 30_000;

/** Longest JSON answer. */
const answerBytes = 65_536;

/** Cuts a request off when nothing has happened for a while. */
export class Silence {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.signal = this.#controller.signal;
    this.broken();
  }

  /** Something has happened. */
  broken(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(new Error(`silent for ${silentMs / 1000} s`)), silentMs);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

/** A GET request that nothing caches. Throws `live/connection`. */
export async function get(url: string, headers: Readonly<Record<string, string>>, silence: Silence): Promise<Response> {
  try {
    return await fetch(url, { headers, cache: "no-store", redirect: "manual", signal: silence.signal });
  } catch (error) {
    throw connectionLost(url, error);
  }
}

/** A short answer's JSON; undefined where it is none. */
export async function jsonOf(response: Response): Promise<unknown> {
  const text = await response.text().catch((error: unknown) => {
    throw connectionLost(response.url, error);
  });
  return parsed(text);
}

export function parsed(text: string): unknown {
  try {
    return text.length > answerBytes ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
