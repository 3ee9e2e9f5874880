import type { Pace } from "./body.ts";
import type { Addresses } from "./host-check.ts";
import { HttpError, notFound } from "./http-error.ts";
import type { Logger } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { PageFiles } from "./page-files.ts";
import type { RateLimit } from "./rate-limit.ts";
import type { ServedRun } from "./served-run.ts";

/** What all parts of the server share. */
export interface Site {
  readonly runs: ReadonlyMap<string, ServedRun>;
  /** Whether runs are still being opened; clients that come back after a restart are told to wait. */
  readonly isStarting: boolean;
  readonly addresses: Addresses;
  /** Whether the address that a request came from is read from the header of a proxy. */
  readonly trustProxy: boolean;
  /**
   * Whether status, events and metrics are for everyone who reaches the server, which then must be on this machine alone.
   * Those of a private run are for its operator.
   */
  readonly openReading: boolean;
  /** The built pages; undefined where they were not built. */
  readonly pages: PageFiles | undefined;
  /** What concerns no single run; a run has a log of its own. */
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly limits: SiteLimits;
  /** How slowly bodies may come. */
  readonly pace: Pace;
}

export interface SiteLimits {
  /** Requests by address. */
  readonly address: RateLimit;
  /** Requests by session. */
  readonly session: RateLimit;
  /** Control messages by connection. */
  readonly message: RateLimit;
}

/** @throws HttpError 404 `http/not-found`, 503 `server/starting` */
export function requireRun({ runs, isStarting }: Site, id: string | undefined): ServedRun {
  const run = runs.get(id ?? "");
  if (run !== undefined) return run;
  if (!isStarting) throw notFound("no such run");
  const message = "the server is starting";
  throw new HttpError(
    503,
    { code: "server/starting", message, advice: "Try again in a moment." },
    { "Retry-After": "1" },
  );
}
