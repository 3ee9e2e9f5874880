import { describeFailure } from "../client/describe-failure.ts";
import { decodeUpdate } from "../protocol/index.ts";
import type { FailedOutcome, Order, Outcome } from "../round/backend.ts";
import { areWithheld } from "./withheld.ts";

/**
 * An encoded update as the outcome of an order; a failure where it is not one of this order.
 *
 * @param bytes undefined: they are missing
 */
export function readUpdate(
  bytes: Uint8Array | undefined,
  order: Pick<Order, "id" | "client" | "version">,
  bytesDown: number,
  expected: { readonly examples: number | "withheld" | undefined; readonly maxBytes: number },
): Outcome {
  const { id, client, version } = order;
  const fail = (code: string, message: string) => failedOutcome(order, bytesDown, code, message);
  if (bytes === undefined) return fail("live/blob", "the update is missing from the store");
  try {
    const update = decodeUpdate(bytes, `order ${id}`, { maxBytes: expected.maxBytes });
    if (update.client !== client || update.round !== version)
      return fail("live/other-order", `the update is of client ${update.client}, round ${update.round}`);
    const { examples } = update.public;
    if (expected.examples === "withheld") {
      if (!areWithheld(update.public))
        return fail("live/metadata", "the update has metadata that this run withholds from its server");
    } else if (expected.examples !== undefined && examples !== expected.examples)
      return fail(
        "live/examples",
        `the update claims ${examples} examples; the client joined with ${expected.examples}`,
      );
    return { client, update, state: {}, bytesDown, bytesUp: bytes.byteLength, retried: false };
  } catch (error) {
    const { code, message } = describeFailure(error);
    return fail(code, message);
  }
}

export function failedOutcome(
  { client }: Pick<Order, "client">,
  bytesDown: number,
  code: string,
  message: string,
): FailedOutcome {
  return { client, failure: { code, message }, bytesDown, retried: false };
}
