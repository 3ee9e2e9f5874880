import { Hono } from "hono";
import { routePath } from "hono/route";
import { hasUnreadBody } from "./body.ts";
import { clientRoutes } from "./client-routes.ts";
import { demoDataRoutes } from "./demo-data.ts";
import { requireOwnHost, requireOwnOrigin } from "./host-check.ts";
import { errorResponse, notFound, statusOf } from "./http-error.ts";
import { openApi } from "./openapi.ts";
import { operatorRoutes, requireMetricsReader } from "./operator-routes.ts";
import { compilesWebAssembly, pageRoutes } from "./pages.ts";
import type { RequestEnv } from "./peer.ts";
import { securityHeaders } from "./security-headers.ts";
import type { ServedRun } from "./served-run.ts";
import type { Site } from "./site.ts";
import { tokenRoutes } from "./token-routes.ts";

/** All routes of the server. It needs no socket: a request and its `Peer` are enough. */
export function createApp(site: Site): Hono<RequestEnv> {
  const app = new Hono<RequestEnv>();

  app.use(async (c, next) => {
    const started = performance.now();
    await next();
    const seconds = (performance.now() - started) / 1000;
    const { method, path } = c.req;
    const { status } = c.res;
    site.metrics.request(routePath(c, -1), method, status, seconds);
    const { log } = runAt(site, path) ?? site;
    log[status < 400 ? "debug" : "info"]({ method, path, status, seconds, from: c.env.peer.address }, "request");
    if (hasUnreadBody(c.req.raw)) c.header("Connection", "close");
    for (const [name, value] of Object.entries(securityHeaders(compilesWebAssembly(path)))) c.header(name, value);
  });
  app.use(async (c, next) => {
    site.limits.address.require(c.env.peer.address);
    const origin = requireOwnHost(c.req.header("host"), c.env.peer, site.addresses);
    if (c.req.path.startsWith("/api/") || c.req.path === "/metrics") requireOwnOrigin(c.req.raw.headers, origin);
    await next();
  });

  app.get("/healthz", (c) => c.json({ ok: true }));
  app.get("/metrics", async (c) => {
    const shown = requireMetricsReader(c, site);
    return c.body(await site.metrics.text(shown), 200, { "Content-Type": site.metrics.contentType });
  });
  app.get("/api/openapi.json", (c) => c.json(openApi()));
  app.route("/api/runs", operatorRoutes(site));
  app.route("/api/runs", tokenRoutes(site));
  app.route("/api/runs", clientRoutes(site));
  app.route("/api/runs", demoDataRoutes(site));
  app.route("/", pageRoutes(site));

  app.notFound(() => errorResponse(notFound()));
  app.onError((error, c) => {
    const { log } = runAt(site, c.req.path) ?? site;
    if (statusOf(error) >= 500) log.error({ err: error, path: c.req.path }, "a request failed");
    return errorResponse(error);
  });
  return app;
}

/** The run that a path belongs to. */
function runAt({ runs }: Site, path: string): ServedRun | undefined {
  return runs.get(/^\/api\/runs\/([^/]+)\//.exec(path)?.[1] ?? "");
}
