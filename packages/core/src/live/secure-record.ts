import * as z from "zod";

/**
 * What a client must remember of secure aggregation in one run. Sessions of a round differ in keys and masks alone, and
 * each client answers in one of them: else a server could have two sums of one round and subtract them.
 *
 * @example
 * ```ts
 * import { secureRecord } from "@anabranch/core/live";
 * secureRecord.safeParse({}).success; // => false
 * ```
 */
export const secureRecord = z.strictObject({
  /** The newest round in which the client joined a session; it joins none of an older one. */
  round: z.int().min(0),
  /** Of the settings of secure aggregation and the number of rounds, SHA-256, hexadecimal: they stay. */
  settings: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  /** What all sessions of this round have in common, SHA-256, hexadecimal. */
  terms: z.string().regex(/^[0-9a-f]{64}$/),
  /** Whether the client may have helped to unmask a sum of this round. */
  answered: z.boolean(),
  /** Ed25519 keys of the run's clients, raw, base64, by number, as the client has seen them first. */
  keys: z.record(z.string().regex(/^\d{1,10}$/), z.string().regex(/^[A-Za-z0-9+/]{43}=$/)),
});
export type SecureRecord = z.infer<typeof secureRecord>;
