import { type Context, Hono } from "hono";
import { eventStream } from "./events.ts";
import { notFound } from "./http-error.ts";
import type { ShownMetrics } from "./metrics.ts";
import type { RequestEnv } from "./peer.ts";
import { requireOperator } from "./require-operator.ts";
import type { SentStatus } from "./run-status.ts";
import type { ServedRun } from "./served-run.ts";
import { requireRun, type Site } from "./site.ts";

/** Watching and steering a run. */
export function operatorRoutes(site: Site): Hono<RequestEnv> {
  const routes = new Hono<RequestEnv>();

  routes.get("/", (c) => c.json({ runs: [...site.runs.values()].map((run) => listed(run, c)) }));
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
      run.log.info({ action }, "operator");
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
      run.log.info({ action, client }, "operator");
      return c.json(statusOf(run));
    });
  decide("eject");
  decide("readmit");

  return routes;
}

/**
 * What a request may see of the metrics: the runs whose status it may see. How many requests the server had would show how
 * many clients a private run has in its rounds, so they are for its operator, too.
 *
 * @throws HttpError 404 where there is no run, 401 `operator/token`
 */
export function requireMetricsReader(c: Context<RequestEnv>, site: Site): ShownMetrics {
  const authorization = c.req.header("authorization");
  const all = [...site.runs.values()];
  const runs = all.filter((run) => isOpen(site, run) || run.operator.holds(authorization));
  const ofServer = all.every((run) => runs.includes(run) || !run.isPrivate);
  if (runs.length > 0 || (site.openReading && ofServer)) return { runs, ofServer };
  const [first] = all;
  if (first === undefined) throw notFound();
  first.operator.require(authorization);
  return { runs: [first], ofServer };
}

/** A run in the list that everyone may read. The name of a private run may tell what its clients have: its operator sees it. */
function listed(run: ServedRun, c: Context<RequestEnv>) {
  const isNamed = !run.isPrivate || run.operator.holds(c.req.header("authorization"));
  return { run: run.id, name: isNamed ? run.name : "", state: run.live.status().state };
}

function statusOf({ live, name }: ServedRun): SentStatus {
  return { ...live.status(), name };
}

/** @throws HttpError 404, 401 `operator/token` */
function requireReader(c: Context<RequestEnv>, site: Site): ServedRun {
  const run = requireRun(site, c.req.param("run"));
  if (!isOpen(site, run)) run.operator.require(c.req.header("authorization"));
  return run;
}

/** Whether everyone who reaches the server may see what a run is doing. Cohorts that everyone sees are no sample. */
function isOpen({ openReading }: Site, { isPrivate }: ServedRun): boolean {
  return openReading && !isPrivate;
}
