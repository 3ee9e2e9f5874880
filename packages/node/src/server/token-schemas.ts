import { contentHash } from "@anabranch/core/live";
import * as z from "zod";

const clientNumber = z
  .int()
  .min(0)
  .max(2 ** 31);
const places = z
  .int()
  .min(1)
  .max(2 ** 31);

/** The body of POST /tokens. */
export const tokenRequest = z.strictObject({
  ttlSeconds: z.int().min(1).max(31_536_000).optional().describe("seconds until it expires; left out: never"),
  client: clientNumber.optional().describe("the only client number that it admits"),
  places: places
    .optional()
    .describe("clients that it admits in all; 1: it is used up by one; left out: as many as the run has places"),
});
export type TokenRequest = z.infer<typeof tokenRequest>;

const expires = z.string().nullable();

/** The answer to it. */
export const madeToken = z.object({
  token: z.string(),
  /** With the token, at the address that clients use. */
  joinLink: z.string(),
  expires,
  client: clientNumber.nullable(),
  places: places.nullable(),
});
export type MadeToken = z.infer<typeof madeToken>;

/** The answer of GET /tokens. */
export const tokenList = z.object({
  tokens: z.array(
    z.object({
      hash: contentHash,
      expires,
      client: clientNumber.nullable(),
      places: places.nullable(),
      revoked: z.boolean(),
      clients: z.array(clientNumber),
    }),
  ),
});
export type TokenList = z.infer<typeof tokenList>;
