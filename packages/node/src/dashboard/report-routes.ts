import { Hono } from "hono";
import { notFound } from "../server/http-error.ts";
import type { RequestEnv } from "../server/peer.ts";
import type { DashboardSite } from "./dashboard-site.ts";
import { findReadable } from "./find-folder.ts";

/** A report shows its own styles and nothing else, whatever a name in it might have smuggled in. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'none'; sandbox";

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
