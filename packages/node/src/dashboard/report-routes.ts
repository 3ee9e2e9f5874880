import { Hono } from "hono";
import { POLICY } from "../report/policy.ts";
import { notFound } from "../server/http-error.ts";
import type { RequestEnv } from "../server/peer.ts";
import type { DashboardSite } from "./dashboard-site.ts";
import { findReadable } from "./find-folder.ts";

/**
 * A report shows its own styles and runs its own script and nothing else, whatever a name in it might have smuggled in. In
 * the sandbox its script has an origin of its own, without the token of the dashboard.
 */
const policy = `${POLICY}; frame-ancestors 'none'; sandbox allow-scripts`;

/** The reports of runs and of comparisons, made anew from their folders. */
export function reportRoutes({ root, reader, reports }: DashboardSite): Hono<RequestEnv> {
  const routes = new Hono<RequestEnv>();
  routes.get("/", async (c) => {
    const folders = c.req.queries("run") ?? [];
    if (!reports.opens(c.req.query("key") ?? "", folders)) throw notFound();
    const paths = await Promise.all(folders.map((name) => findReadable(root, name)));
    const html = await reader.ask("report", { folders: paths });
    return c.html(html, 200, { "Content-Security-Policy": policy, "Cache-Control": "no-store" });
  });
  return routes;
}
