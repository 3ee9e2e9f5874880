import { HttpError } from "./http-error.ts";

/** How much may come from one source. */
export interface Rate {
  /** Requests in a row after a pause. */
  readonly burst: number;
  /** Requests per second in the long run. */
  readonly perSecond: number;
}

/** Sources that are remembered; beyond them those are forgotten that were quiet longest. */
const mostSources = 50_000;

/** Token buckets by source: an address, a session, a socket. */
export class RateLimit {
  readonly #rate: Rate;
  readonly #now: () => number;
  /** Least recently used first. */
  readonly #sources = new Map<string, { tokens: number; at: number }>();

  /** @param now milliseconds */
  constructor(rate: Rate, now: () => number = () => performance.now()) {
    this.#rate = rate;
    this.#now = now;
  }

  /** Takes a request's cost; 0 when it is within the rate, else the seconds until it would be. Nothing is taken then. */
  take(source: string, cost = 1): number {
    const now = this.#now();
    const { burst, perSecond } = this.#rate;
    const { tokens, at } = this.#sources.get(source) ?? { tokens: burst, at: now };
    const left = Math.min(burst, tokens + ((now - at) / 1000) * perSecond);
    const enough = left >= cost;
    this.#sources.delete(source);
    this.#sources.set(source, { tokens: enough ? left - cost : left, at: now });
    if (this.#sources.size > mostSources) this.#sources.delete(this.#sources.keys().next().value!);
    return enough ? 0 : (cost - left) / perSecond;
  }

  /** @throws HttpError 429 `http/too-many-requests` */
  require(source: string, cost = 1): void {
    const seconds = this.take(source, cost);
    if (seconds === 0) return;
    const wait = Math.ceil(seconds);
    throw new HttpError(
      429,
      {
        code: "http/too-many-requests",
        message: "too many requests",
        expected: `${this.#rate.perSecond} per second at most`,
        advice: `Wait ${wait} s.`,
      },
      { "Retry-After": String(wait) },
    );
  }
}
