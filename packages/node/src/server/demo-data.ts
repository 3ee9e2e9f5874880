import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { assetUrl, SHIPPED_DATASETS } from "@anabranch/core";
import { AnabranchError } from "@anabranch/engine";
import { Hono } from "hono";
import { notFound } from "./http-error.ts";
import type { RequestEnv } from "./peer.ts";
import { requireRun, type Site } from "./site.ts";

/** Graphs are not there: what lies with one client would be a part of the others' graph. */
const GIVEN: readonly string[] = SHIPPED_DATASETS.filter(
  (name) => name !== "block-graph" && name !== "image-neighbours",
);

/** Gives browser clients of a trial the run's data set, of which each trains on its own share. */
export function demoDataRoutes(site: Site): Hono<RequestEnv> {
  const routes = new Hono<RequestEnv>();
  routes.get("/:run/demo-data", async (c) => {
    const dataset = requireDemoData(site, c.req.param("run"));
    return c.json({ dataset, files: await filesOf(dataset) });
  });
  routes.get("/:run/demo-data/:file", async (c) => {
    const dataset = requireDemoData(site, c.req.param("run"));
    const file = c.req.param("file");
    if (!(await filesOf(dataset)).includes(file)) throw notFound("no such file");
    const headers = { "Content-Type": "application/octet-stream", "Cache-Control": "public, max-age=86400" };
    return c.body(new Uint8Array(await readFile(assetUrl(file))), 200, headers);
  });
  return routes;
}

/** Refuses to give out data that is not shipped with Anabranch: it may be somebody's. Throws `serve/demo-data`. */
export function requireShipped(dataset: string): void {
  if (GIVEN.includes(dataset)) return;
  throw new AnabranchError({
    code: "serve/demo-data",
    message: "only data that is shipped with Anabranch can be given to browsers",
    where: "--demo-data",
    received: `the data set ${dataset}`,
    expected: GIVEN.join(" or "),
    advice: "Leave --demo-data out. Clients then bring their own data.",
  });
}

function requireDemoData(site: Site, run: string): string {
  const { demoData } = requireRun(site, run);
  if (demoData === undefined) throw notFound("no demo data");
  return demoData;
}

/** Names of the assets of a shipped data set. */
async function filesOf(dataset: string): Promise<string[]> {
  const names = await readdir(fileURLToPath(assetUrl(".")));
  const made = dataset === "image-questions" ? "fashion-mnist-10k" : dataset;
  return names.filter((name) => name.startsWith(made) && name.endsWith(".gz"));
}
