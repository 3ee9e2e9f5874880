import { Hono } from "hono";
import { eventStream } from "../server/events.ts";
import type { RequestEnv } from "../server/peer.ts";
import { requireSize } from "../store/plain-file.ts";
import { largestConfig, type RunFolder } from "../store/run-folder.ts";
import type { DashboardSite } from "./dashboard-site.ts";
import { findFolder } from "./find-folder.ts";
import { folderFeed } from "./folder-feed.ts";

/** Bytes of a log that a page follows; it keeps the rounds of all of it in memory. */
const largestLog = 2 ** 28;

/** The runs of the folder, and one of them. */
export function runRoutes({ root, reader }: DashboardSite): Hono<RequestEnv> {
  const routes = new Hono<RequestEnv>();
  routes.get("/", async (c) => c.json(await reader.ask("list", { root })));
  routes.get("/:folder", async (c) => {
    const run = await findFolder(root, c.req.param("folder"));
    const bytes = await run.files.read(run.paths.config, largestConfig);
    return c.json({ id: run.id, config: Buffer.from(bytes ?? []).toString("utf8") });
  });
  routes.get("/:folder/events", async (c) => {
    const run = await findFolder(root, c.req.param("folder"));
    await requireShort(run);
    return eventStream(folderFeed(run), 0);
  });
  return routes;
}

async function requireShort({ paths, files }: RunFolder): Promise<void> {
  const file = await files.open(paths.events);
  if (file === undefined) return;
  try {
    requireSize((await file.stat()).size, largestLog, paths.events);
  } finally {
    await file.close();
  }
}
