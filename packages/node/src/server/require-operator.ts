import type { Context } from "hono";
import { HttpError } from "./http-error.ts";
import type { RequestEnv } from "./peer.ts";
import type { ServedRun } from "./served-run.ts";
import { requireRun, type Site } from "./site.ts";

/** @throws HttpError 404, 401 `operator/token`, 429 after many wrong tokens */
export function requireOperator(c: Context<RequestEnv>, site: Site): ServedRun {
  const run = requireRun(site, c.req.param("run"));
  try {
    run.operator.require(c.req.header("authorization"));
  } catch (error) {
    // a wrong token costs as much as many requests
    if (error instanceof HttpError) site.limits.address.require(c.env.peer.address, 10);
    throw error;
  }
  return run;
}
