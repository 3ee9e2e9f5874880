import { Hono } from "hono";
import { html } from "hono/html";
import { notFound } from "./http-error.ts";
import type { RequestEnv } from "./peer.ts";
import type { Site } from "./site.ts";

/** Whether an answer belongs to the page of a browser client: its scripts run under the policy that came with them. */
export function compilesWebAssembly(path: string): boolean {
  return path.startsWith("/join/") || path.startsWith("/assets/");
}

/** The pages that people open. A token is in the fragment of a link, so it never comes here. */
export function pageRoutes({ pages }: Site): Hono<RequestEnv> {
  const routes = new Hono<RequestEnv>();
  const file = (name: string, accepted: string | undefined) => pages?.response(name, accepted);
  const page = (path: string, name: string) =>
    routes.get(path, async (c) => (await file(name, c.req.header("accept-encoding"))) ?? c.html(notBuilt()));
  page("/", "index.html");
  page("/runs/:run", "run/index.html");
  page("/join/:run", "join/index.html");
  routes.get("/assets/:file", async (c) => {
    const found = await file(`assets/${c.req.param("file")}`, c.req.header("accept-encoding"));
    if (found === undefined) throw notFound("no such file");
    return found;
  });
  return routes;
}

function notBuilt() {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Anabranch</title>
      </head>
      <body>
        <main>
          <h1>Anabranch</h1>
          <p>The server runs, but its pages were not built.</p>
          <p>In the clone, run <code>npm run build -w packages/dashboard</code>, then start the server again.</p>
          <p>To take part without a page, run <code>anabranch join LINK</code> with the whole join link.</p>
        </main>
      </body>
    </html>`;
}
