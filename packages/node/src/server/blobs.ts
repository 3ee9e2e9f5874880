import type { BlobReads, OpenBlob } from "./blob-reads.ts";
import { HttpError, notFound } from "./http-error.ts";

/** Bytes that are given to a connection at a time. */
const pieceBytes = 256 * 1024;

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
export async function blobResponse(blobs: BlobReads, hash: string, headers: Headers, method: string) {
  const etag = `"${hash}"`;
  const common = { ETag: etag, "Cache-Control": "private, max-age=31536000, immutable", "Accept-Ranges": "bytes" };
  if (headers.get("if-none-match") === etag) return new Response(null, { status: 304, headers: common });
  const blob = await blobs.open(hash);
  if (blob === undefined) throw notFound("no such blob");
  let handed = false;
  try {
    const size = blob.bytes.length;
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
    return new Response(streamOf(blob, first, last), { status, headers: about });
  } finally {
    if (!handed) blob[Symbol.dispose]();
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

/** Views of a blob, as fast as the client takes them. */
function streamOf(blob: OpenBlob, first: number, last: number): ReadableStream<Uint8Array> {
  let position = first;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const end = Math.min(position + pieceBytes, last + 1);
      if (end > position) controller.enqueue(blob.bytes.subarray(position, end));
      position = end;
      if (position <= last) return;
      controller.close();
      blob[Symbol.dispose]();
    },
    cancel: () => blob[Symbol.dispose](),
  });
}
