import { contentHash } from "@anabranch/core/live";
import { Hono } from "hono";
import { jsonBody } from "./body.ts";
import { notFound } from "./http-error.ts";
import type { RequestEnv } from "./peer.ts";
import { requireOperator } from "./require-operator.ts";
import type { Site } from "./site.ts";
import { type MadeToken, type TokenList, tokenRequest } from "./token-schemas.ts";

const when = (expires: number | undefined) => (expires === undefined ? null : new Date(expires).toISOString());

/** The join tokens of a run, for its operator. */
export function tokenRoutes(site: Site): Hono<RequestEnv> {
  const routes = new Hono<RequestEnv>();

  routes.get("/:run/tokens", (c) => {
    const { live } = requireOperator(c, site);
    const tokens = live.tokens().map(({ hash, expires, client, places, revoked, clients }) => ({
      ...{
        hash,
        expires: when(expires),
        client: client ?? null,
        places: places ?? null,
        revoked,
        clients: [...clients],
      },
    }));
    return c.json<TokenList>({ tokens });
  });
  routes.post("/:run/tokens", async (c) => {
    const run = requireOperator(c, site);
    const { ttlSeconds, client, places } = await jsonBody(c.req.raw, tokenRequest, site.pace);
    const expires = ttlSeconds === undefined ? undefined : Date.now() + ttlSeconds * 1000;
    const token = await run.live.addToken({ expires, client, places });
    const made = { token, joinLink: run.joinLink(token), expires: when(expires) };
    return c.json<MadeToken>({ ...made, client: client ?? null, places: places ?? null }, 201);
  });
  routes.delete("/:run/tokens/:hash", async (c) => {
    const run = requireOperator(c, site);
    const hash = contentHash.safeParse(c.req.param("hash")).data;
    if (hash === undefined || !(await run.live.revokeToken(hash))) throw notFound("no such token");
    return c.json({ revoked: hash });
  });

  return routes;
}
