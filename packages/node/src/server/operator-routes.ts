import { contentHash } from "@anabranch/core/live";
import { type Context, Hono } from "hono";
import * as z from "zod";
import { jsonBody } from "./body.ts";
import { eventStream } from "./events.ts";
import { HttpError, notFound } from "./http-error.ts";
import type { RequestEnv } from "./peer.ts";
import type { SentStatus } from "./run-status.ts";
import type { ServedRun } from "./served-run.ts";
import { requireRun, type Site } from "./site.ts";

/** The body of POST /tokens. */
export const tokenRequest = z.strictObject({
  ttlSeconds: z.int().min(1).max(31_536_000).optional().describe("seconds until it expires; left out: never"),
  client: z
    .int()
    .min(0)
    .max(2 ** 31)
    .optional()
    .describe("the only client number that it admits"),
});

/** Watching and steering a run. */
export function operatorRoutes(site: Site): Hono<RequestEnv> {
  const routes = new Hono<RequestEnv>();

  routes.get("/", (c) =>
    c.json({
      runs: [...site.runs.values()].map(({ id, name, live }) => ({ run: id, name, state: live.status().state })),
    }),
  );
  routes.get("/:run/status", (c) => c.json(statusOf(requireReader(c, site))));
  routes.get("/:run/events", (c) => {
    const run = requireReader(c, site);
    const after = Number(c.req.query("after") ?? c.req.header("last-event-id") ?? 0);
    return eventStream(run.events, Number.isSafeInteger(after) && after > 0 ? after : 0);
  });

  const steer = (action: string, act: (run: ServedRun) => void) =>
    routes.post(`/:run/${action}`, (c) => {
      const run = requireOperator(c, site);
      act(run);
      site.log.info({ run: run.id, action }, "operator");
      return c.json(statusOf(run));
    });
  steer("pause", ({ live }) => live.pause());
  steer("resume", ({ live }) => live.resume());
  steer("stop", (run) => run.stop());

  const decide = (action: "eject" | "readmit") =>
    routes.post(`/:run/clients/:client/${action}`, async (c) => {
      const run = requireOperator(c, site);
      const text = c.req.param("client");
      const client = /^\d{1,9}$/.test(text) ? Number(text) : undefined;
      if (client === undefined || !(await run.live[action](client))) throw notFound("no such client");
      site.log.info({ run: run.id, action, client }, "operator");
      return c.json(statusOf(run));
    });
  decide("eject");
  decide("readmit");

  routes.post("/:run/tokens", async (c) => {
    const run = requireOperator(c, site);
    const { ttlSeconds, client } = await jsonBody(c.req.raw, tokenRequest, site.pace);
    const expires = ttlSeconds === undefined ? undefined : Date.now() + ttlSeconds * 1000;
    const token = await run.live.addToken({
      ...(expires === undefined ? {} : { expires }),
      ...(client === undefined ? {} : { client }),
    });
    return c.json({ token, expires: expires === undefined ? null : new Date(expires).toISOString() }, 201);
  });
  routes.delete("/:run/tokens/:hash", async (c) => {
    const run = requireOperator(c, site);
    const hash = contentHash.safeParse(c.req.param("hash")).data;
    if (hash === undefined || !(await run.live.revokeToken(hash))) throw notFound("no such token");
    return c.json({ revoked: hash });
  });

  return routes;
}

/** Metrics are for whoever may see the status of a run. */
export function requireMetricsReader(c: Context<RequestEnv>, { runs, openReading }: Site): void {
  if (openReading) return;
  const authorization = c.req.header("authorization");
  const [first] = runs.values();
  if ([...runs.values()].some(({ operator }) => operator.holds(authorization))) return;
  if (first === undefined) throw notFound();
  first.operator.require(authorization);
}

function statusOf({ live, name }: ServedRun): SentStatus {
  return { ...live.status(), name };
}

/** @throws HttpError 404, 401 `operator/token` */
function requireReader(c: Context<RequestEnv>, site: Site): ServedRun {
  const run = requireRun(site, c.req.param("run"));
  if (!site.openReading) run.operator.require(c.req.header("authorization"));
  return run;
}

/** @throws HttpError 404, 401 `operator/token`, 429 after many wrong tokens */
function requireOperator(c: Context<RequestEnv>, site: Site): ServedRun {
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
