import * as z from "zod";
import { answerError } from "./answer-error.ts";
import { type UploadAnswer, uploadAnswer } from "./control.ts";

/** What is to be sent. */
export interface Sending {
  /** Of the order, without a query. */
  readonly url: string;
  readonly hash: string;
  readonly bytes: Uint8Array;
}

/** From where an upload continues, or what the server has answered to the whole. */
export type UploadProgress = { readonly offset: number } | UploadAnswer;

/**
 * Answers with an offset that one try accepts: a server that never has enough is given up.
 *
 * @example
 * ```ts
 * import { MOST_UPLOAD_PARTS } from "@anabranch/core/live";
 * MOST_UPLOAD_PARTS; // => 64
 * ```
 */
export const MOST_UPLOAD_PARTS = 64;

const wantsMore = z.object({ offset: z.int().min(0) });

/**
 * Where the bytes from `offset` on are sent; with GET: where the server says how much it has.
 *
 * @example
 * ```ts
 * import { uploadUrl } from "@anabranch/core/live";
 * const sending = { url: "/uploads/1", bytes: new Uint8Array(8), hash: "ab" };
 * uploadUrl(sending, 4); // => "/uploads/1?offset=4&total=8&hash=ab"
 * ```
 */
export function uploadUrl({ url, bytes, hash }: Sending, offset: number): string {
  return `${url}?offset=${offset}&total=${bytes.length}&hash=${hash}`;
}

/**
 * What an answer says of an upload.
 *
 * @param location where a redirection leads
 * @throws what `answerError` makes of any other answer
 * @example
 * ```ts
 * import { readUploadProgress } from "@anabranch/core/live";
 * const sending = { url: "/uploads/1", bytes: new Uint8Array(8), hash: "ab" };
 * readUploadProgress(200, { offset: 4 }, sending); // => { offset: 4 }
 * ```
 */
export function readUploadProgress(
  status: number,
  json: unknown,
  { url, bytes }: Sending,
  location?: string,
): UploadProgress {
  const answer = uploadAnswer.safeParse(json).data;
  if (answer !== undefined && status < 500) return answer;
  const more = wantsMore.safeParse(json).data;
  if (more !== undefined && more.offset <= bytes.length && (status === 200 || status === 308)) return more;
  throw answerError(status, json, url, location);
}
