import { type ArrivedUpdate, contentHash, type UploadAnswer, uploadId } from "@anabranch/core/live";
import { type Context, Hono } from "hono";
import { blobResponse } from "./blobs.ts";
import { invalid } from "./body.ts";
import { HttpError, notFound } from "./http-error.ts";
import { bearerToken } from "./operator.ts";
import type { RequestEnv } from "./peer.ts";
import { requireRun, type Site } from "./site.ts";
import type { Upload } from "./uploads.ts";

/** Bytes that an upload may be said to have; the run's own limit is lower. */
const mostBytes = 2 ** 40;

/** What clients fetch and send beside their control connection: blobs and updates. */
export function clientRoutes(site: Site): Hono<RequestEnv> {
  const routes = new Hono<RequestEnv>();

  routes.get("/:run/blobs/:hash", async (c) => {
    const { run, session } = requireSession(c, site);
    const hash = contentHash.safeParse(c.req.param("hash")).data;
    if (hash === undefined || !(await run.live.mayFetch(session, hash))) throw notFound("no such blob");
    return blobResponse(run.blobs, hash, c.req.raw.headers, c.req.method);
  });

  routes.get("/:run/orders/:order", async (c) => {
    const { run, client } = requireSession(c, site);
    const upload = requireUpload(c);
    const answer = await run.live.mayUpload(client, upload.order, upload.hash, upload.total);
    return c.json(answer ?? { offset: await run.uploads.offsetOf(upload) });
  });

  routes.put("/:run/orders/:order", async (c) => {
    const { run, client } = requireSession(c, site);
    const upload = requireUpload(c);
    const offset = requireCount(c.req.query("offset") ?? "0", "offset");
    const mayCome = () => run.live.mayUpload(client, upload.order, upload.hash, upload.total);
    // what is refused must not disturb an upload of the order that is under way
    const known = await mayCome();
    if (known !== undefined) return c.json(known);
    const arrived = (update: ArrivedUpdate) => run.live.uploaded(client, upload.order, update);
    const part = { ...upload, offset, body: c.req.raw.body, pace: site.pace };
    const answer = await run.uploads.receive(part, { mayCome, arrived });
    if (answer === "other-bytes") return c.json(otherBytes, 422);
    return "offset" in answer ? c.json(answer, 308) : c.json(answer);
  });

  return routes;
}

const otherBytes: UploadAnswer = {
  status: "refused",
  code: "upload/hash",
  message: "the bytes that arrived are not those that were announced",
};

/** @throws HttpError 404, 401 `live/session`, 429 */
function requireSession(c: Context<RequestEnv>, site: Site) {
  const run = requireRun(site, c.req.param("run"));
  const session = bearerToken(c.req.header("authorization"));
  const client = session === undefined ? undefined : run.live.clientOf(session);
  if (session === undefined || client === undefined) {
    throw new HttpError(
      401,
      {
        code: "live/session",
        message: "this is not the session of a connected client",
        advice: "Connect to the run first; a session ends with its connection.",
      },
      { "WWW-Authenticate": "Bearer" },
    );
  }
  site.limits.session.require(`${run.id} ${client}`);
  return { run, session, client };
}

/** @throws HttpError 404, 400 `http/invalid` */
function requireUpload(c: Context<RequestEnv>): Upload {
  const order = uploadId.safeParse((c.req.param("order") ?? "").replaceAll(".", "/")).data;
  if (order === undefined) throw notFound("no such order");
  const hash = contentHash.safeParse(c.req.query("hash")).data;
  if (hash === undefined) throw invalid("hash has to be a SHA-256 in hexadecimal");
  const total = requireCount(c.req.query("total"), "total");
  if (total === 0) throw invalid("total has to be 1 at least");
  return { order, hash, total };
}

function requireCount(text: string | undefined, name: string): number {
  const value = /^\d{1,13}$/.test(text ?? "") ? Number(text) : Number.NaN;
  if (value <= mostBytes) return value;
  throw invalid(`${name} has to be a number of bytes`);
}
