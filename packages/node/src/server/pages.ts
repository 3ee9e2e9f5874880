import { Hono } from "hono";
import { html } from "hono/html";
import type { RequestEnv } from "./peer.ts";
import { requireRun, type Site } from "./site.ts";

/** What a person sees who opens the server's address. A token is in the fragment of a link, so it never comes here. */
export function pageRoutes(site: Site): Hono<RequestEnv> {
  const routes = new Hono<RequestEnv>();
  routes.get("/", (c) =>
    c.html(page([...site.runs.values()].map(({ name, id }) => html`<li>${name} (run ${id})</li>`))),
  );
  routes.get("/join/:run", (c) => {
    const run = requireRun(site, c.req.param("run"));
    return c.html(
      page([html`<li>Join ${run.name} with the command that the operator sent you: anabranch join LINK</li>`]),
    );
  });
  return routes;
}

function page(items: unknown[]) {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>Anabranch</title>
      </head>
      <body>
        <main>
          <h1>Anabranch</h1>
          <ul>
            ${items}
          </ul>
        </main>
      </body>
    </html>`;
}
