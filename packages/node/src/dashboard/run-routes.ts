import { Hono } from "hono";
import { invalid } from "../server/body.ts";
import { eventStream } from "../server/events.ts";
import type { RequestEnv } from "../server/peer.ts";
import { largestConfig } from "../store/run-folder.ts";
import type { DashboardSite } from "./dashboard-site.ts";
import { findFolder, findReadable } from "./find-folder.ts";
import { folderFeed } from "./folder-feed.ts";
import { requireShortLog } from "./log-size.ts";

/** Runs that are compared at once. */
const mostCompared = 6;

/** The runs of the folder, one of them, and several side by side. */
export function runRoutes({ root, reader, reports, starter }: DashboardSite): Hono<RequestEnv> {
  const routes = new Hono<RequestEnv>();
  routes.get("/runs", async (c) => c.json({ ...(await reader.ask("list", { root })), started: starter.started }));
  routes.get("/runs/:folder", async (c) => {
    const name = c.req.param("folder");
    const run = await findFolder(root, name);
    const bytes = await run.files.read(run.paths.config, largestConfig);
    const config = Buffer.from(bytes ?? []).toString("utf8");
    return c.json({ id: run.id, config, report: reports.path([name]) });
  });
  routes.get("/runs/:folder/events", async (c) => {
    const run = await findFolder(root, c.req.param("folder"));
    await requireShortLog(run);
    return eventStream(folderFeed(run), 0);
  });
  routes.get("/comparison", async (c) => {
    const names = c.req.queries("run") ?? [];
    if (names.length < 1 || names.length > mostCompared) throw invalid(`run: 1 to ${mostCompared} are compared`);
    const folders = await Promise.all(names.map((name) => findReadable(root, name)));
    return c.json({ ...(await reader.ask("compare", { folders })), report: reports.path(names) });
  });
  return routes;
}
