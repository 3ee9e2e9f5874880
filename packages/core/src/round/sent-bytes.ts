import { hasVersionBefore } from "../pipeline/index.ts";
import { type Broadcast, encodedSize } from "../protocol/message.ts";
import type { Order } from "./backend.ts";
import type { ClientVectors } from "./client-state.ts";

/**
 * Bytes that one client is sent: the broadcast or what of it the client lacks, and the message with what it is given alone.
 *
 * @param whole bytes of the broadcast
 * @param kept what the client keeps
 * @example
 * ```ts
 * import { sentBytes } from "@anabranch/core";
 * sentBytes({}, { round: 1, vectors: {}, scalars: {} }, 200, undefined); // => 200
 * ```
 */
export function sentBytes(
  { own, message }: Pick<Order, "own" | "message">,
  broadcast: Broadcast,
  whole: number,
  kept: ClientVectors | undefined,
): number {
  const common = message === undefined ? whole : encodedSize(message(broadcast, kept));
  return common + (own === undefined ? 0 : encodedSize({ round: broadcast.round, vectors: own, scalars: {} }));
}

/** Bytes that a client of an order is sent that never answers, from the broadcast of its version or the change to it. */
export async function unansweredBytes(order: Order, whole: Broadcast, change: Broadcast | undefined): Promise<number> {
  const kept = await order.loadState();
  const broadcast = change !== undefined && hasVersionBefore(order.version, kept) ? change : whole;
  return sentBytes(order, broadcast, encodedSize(broadcast), kept);
}
