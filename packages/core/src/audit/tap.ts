import type { Vector } from "../params/vector.ts";
import type { Broadcast, Update } from "../protocol/message.ts";
import type { Backend, Order } from "../round/backend.ts";

/** One client's message of a round, with what it was given. */
export interface TappedMessage {
  readonly order: Order;
  readonly broadcast: Broadcast;
  /** As it travels: clipped, noised, compressed or masked as the run has it. */
  readonly update: Update;
}

/** A read-only tap on the wire of a simulation. */
export interface WireTap {
  saw(message: TappedMessage): void;
}

/**
 * A backend that shows a tap every update of one round, copied. The loop does not know of it, and nothing is changed.
 *
 * @param round the round that is listened to, 1-based
 */
export function tappedBackend(backend: Backend, round: number, tap: WireTap): Backend {
  let broadcast: Broadcast | undefined;
  const orders = new Map<string, Order>();
  return {
    ...backend,
    publish(version, message) {
      if (version === round) broadcast = { ...message, vectors: copies(message.vectors) };
      return backend.publish(version, message);
    },
    submit(order) {
      if (order.version === round) orders.set(order.id, order);
      backend.submit(order);
    },
    async outcome(id) {
      const outcome = await backend.outcome(id);
      const order = orders.get(id);
      if (order !== undefined && broadcast !== undefined && "update" in outcome) {
        const { update } = outcome;
        const { encoded } = update;
        tap.saw({
          order,
          broadcast,
          update: {
            ...update,
            vectors: copies(update.vectors),
            ...(encoded && { encoded: Object.fromEntries(Object.entries(encoded).map(([n, b]) => [n, b.slice()])) }),
          },
        });
      }
      return outcome;
    },
  };
}

function copies(vectors: Readonly<Record<string, Vector>>): Record<string, Vector> {
  return Object.fromEntries(Object.entries(vectors).map(([name, vector]) => [name, vector.slice()]));
}
