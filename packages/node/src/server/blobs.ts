import { join } from "node:path";
import type { OpenFile } from "../store/file-system.ts";
import type { RunFolder } from "../store/run-folder.ts";
import { HttpError, notFound } from "./http-error.ts";

const blockBytes = 256 * 1024;

/** A part of a blob, both ends included. */
interface Range {
  readonly first: number;
  readonly last: number;
}

/**
 * The answer to a request for a blob: whole, one range of it, or that the client has it already. The name of a blob is the
 * hash of its bytes, so it never changes.
 *
 * @throws HttpError 404 `http/not-found`, 416 `http/range`
 */
export async function blobResponse({ folder, files }: RunFolder, hash: string, headers: Headers, method: string) {
  const etag = `"${hash}"`;
  const common = { ETag: etag, "Cache-Control": "private, max-age=31536000, immutable", "Accept-Ranges": "bytes" };
  if (headers.get("if-none-match") === etag) return new Response(null, { status: 304, headers: common });
  const file = await files.open(join(folder, "blobs", hash));
  if (file === undefined) throw notFound("no such blob");
  let handed = false;
  try {
    const { size } = await file.stat();
    const range = wantsRange(headers, etag) ? parseRange(headers.get("range") ?? "", size) : undefined;
    const { first, last } = range ?? { first: 0, last: size - 1 };
    const about = {
      ...common,
      "Content-Type": "application/octet-stream",
      "Content-Length": String(last - first + 1),
      ...(range === undefined ? {} : { "Content-Range": `bytes ${first}-${last}/${size}` }),
    };
    const status = range === undefined ? 200 : 206;
    if (method === "HEAD") return new Response(null, { status, headers: about });
    handed = true;
    return new Response(streamOf(file, first, last), { status, headers: about });
  } finally {
    if (!handed) await file.close();
  }
}

function wantsRange(headers: Headers, etag: string): boolean {
  const condition = headers.get("if-range");
  return headers.has("range") && (condition === null || condition === etag);
}

/** A single range; undefined where there are several or it is none at all: the whole is sent then, as RFC 9110 allows. */
function parseRange(text: string, size: number): Range | undefined {
  const [, from = "", to = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(text.trim()) ?? [];
  if (from === "" && to === "") return undefined;
  const first = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === "" || to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (from !== "" && to !== "" && Number(to) < first) return undefined;
  if (first < size && (from !== "" || Number(to) > 0)) return { first, last };
  const headers = { "Content-Range": `bytes */${size}` };
  throw new HttpError(416, { code: "http/range", message: `the blob has ${size} bytes`, received: text }, headers);
}

/** Reads as fast as the client takes it. */
function streamOf(file: OpenFile, first: number, last: number): ReadableStream<Uint8Array> {
  let position = first;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const block = new Uint8Array(Math.min(blockBytes, last - position + 1));
        const { bytesRead } = block.length === 0 ? { bytesRead: 0 } : await file.read(block, 0, block.length, position);
        position += bytesRead;
        if (bytesRead > 0) controller.enqueue(block.subarray(0, bytesRead));
        if (bytesRead > 0 && position <= last) return;
        await file.close();
        if (position > last) controller.close();
        else controller.error(new Error("the blob has become shorter"));
      } catch (error) {
        await file.close().catch(() => undefined);
        controller.error(error);
      }
    },
    cancel: () => file.close(),
  });
}
