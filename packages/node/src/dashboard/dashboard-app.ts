import { AnabranchError } from "@anabranch/engine";
import { Hono } from "hono";
import { hasUnreadBody } from "../server/body.ts";
import { requireOwnHost, requireOwnOrigin } from "../server/host-check.ts";
import { errorResponse, HttpError, notFound } from "../server/http-error.ts";
import type { RequestEnv } from "../server/peer.ts";
import { securityHeaders } from "../server/security-headers.ts";
import type { DashboardSite } from "./dashboard-site.ts";
import { failureResponse } from "./failure-response.ts";
import { reportRoutes } from "./report-routes.ts";
import { runRoutes } from "./run-routes.ts";
import { startRoutes } from "./start-routes.ts";

/** The address that the dashboard listens at: this machine alone. */
export const dashboardHost = "127.0.0.1";

/** File of the page, among the built pages. */
export const dashboardPage = "runs/index.html";

/** All routes of the dashboard. It needs no socket: a request and its `Peer` are enough. */
export function createDashboardApp(site: DashboardSite): Hono<RequestEnv> {
  const app = new Hono<RequestEnv>();

  app.use(async (c, next) => {
    await next();
    if (hasUnreadBody(c.req.raw)) c.header("Connection", "close");
    const own = c.res.headers.get("content-security-policy");
    for (const [name, value] of Object.entries(securityHeaders(false))) c.header(name, value);
    if (own !== null) c.header("Content-Security-Policy", own);
  });
  app.use(async (c, next) => {
    // all users of this machine have one address: those without the token must not use up what its holder has
    const isHolder = site.access.holds(c.req.header("authorization"));
    site.limit.require(isHolder ? "the token" : c.env.peer.address);
    const origin = requireOwnHost(c.req.header("host"), c.env.peer, { host: dashboardHost });
    if (c.req.path.startsWith("/api/")) {
      requireOwnOrigin(c.req.raw.headers, origin);
      if (!isHolder) throw wrongToken();
    }
    await next();
  });

  app.get("/", (c) => file(site, dashboardPage, c.req.header("accept-encoding")));
  app.get("/assets/:file", (c) => file(site, `assets/${c.req.param("file")}`, c.req.header("accept-encoding")));
  app.route("/api", runRoutes(site));
  app.route("/api", startRoutes(site));
  app.route("/report", reportRoutes(site));

  app.notFound(() => errorResponse(notFound()));
  app.onError((error) => {
    if (!(error instanceof AnabranchError)) site.onFault(error);
    return failureResponse(error);
  });
  return app;
}

async function file({ pages }: DashboardSite, name: string, accepted: string | undefined): Promise<Response> {
  const found = await pages.response(name, accepted);
  if (found === undefined) throw notFound("no such file");
  return found;
}

function wrongToken(): HttpError {
  return new HttpError(
    401,
    {
      code: "dashboard/token",
      message: "this needs the token of the dashboard",
      advice: "Open the link that anabranch dashboard printed.",
    },
    { "WWW-Authenticate": "Bearer" },
  );
}
