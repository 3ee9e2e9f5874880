import { Hono } from "hono";
import { jsonBody, usualPace } from "../server/body.ts";
import type { RequestEnv } from "../server/peer.ts";
import { checkConfig, configRequest } from "./check-config.ts";
import type { DashboardSite } from "./dashboard-site.ts";
import { configForm } from "./form.ts";

/** The form of a new run, and the run that is started from it. */
export function startRoutes({ starter }: DashboardSite): Hono<RequestEnv> {
  const routes = new Hono<RequestEnv>();
  routes.get("/form", (c) => c.json({ sections: configForm() }));
  routes.post("/check", async (c) => {
    const { config } = await jsonBody(c.req.raw, configRequest, usualPace);
    checkConfig(config);
    return c.json({ ok: true });
  });
  routes.get("/started", (c) => c.json(starter.started));
  routes.post("/started", async (c) => {
    const { config } = await jsonBody(c.req.raw, configRequest, usualPace);
    return c.json(await starter.start(checkConfig(config)), 201);
  });
  routes.post("/started/stop", (c) => c.json(starter.stop()));
  return routes;
}
