import { type TimedEvent, VirtualClock } from "../clock/index.ts";
import type { OrderName, WorkRequest } from "../schedule/index.ts";
import type { Arrivals, Order } from "./backend.ts";
import { orderId } from "./orders.ts";
import type { RoundWorld } from "./round-world.ts";
import type { WorkUnderWay } from "./work.ts";

/** An event of the clock; a return is an order that is back, and may wait before it is an arrival. */
export type RoundEvent = TimedEvent<Order> | { readonly kind: "return"; readonly at: number; readonly work: Order };

/**
 * What happens next in a round: in the order of simulated time, or in the order of real arrivals where clients take real
 * time and the schedule follows them.
 */
export class Timeline {
  /** Whether rounds take arrivals by their time. */
  readonly isAsynchronous: boolean;
  /** Where clients take real time and the schedule follows them. */
  readonly arrivals: Arrivals | undefined;
  readonly #world: RoundWorld;
  readonly #clock: VirtualClock<Order>;
  readonly #start: number;
  /** Longest duration of an order, where a round waits for all of them. */
  #longest = 0;
  /** Orders that have waited and are taken now. */
  readonly #taken: Order[] = [];

  /** Begins at the time of the run's state, with the orders that are under way. */
  constructor(world: RoundWorld) {
    const { plan, ports, state } = world;
    this.#world = world;
    this.#clock = new VirtualClock(state.time);
    this.isAsynchronous = plan.schedule.settle !== undefined;
    this.arrivals = this.isAsynchronous ? ports.backend.arrivals : undefined;
    this.#start = state.time;
    const waiting = new Set(plan.schedule.waiting?.(state.schedule).map(orderId));
    const carried = this.arrivals === undefined ? state.work.orders.values() : [];
    for (const { order, arrives } of carried) {
      if (!waiting.has(order.id)) this.#clock.expect(order, arrives - state.time);
    }
  }

  /** The instant that has been reached, in microseconds. */
  get now(): number {
    return this.#clock.now;
  }

  /** The instant at which the round ends, in microseconds. */
  get end(): number {
    return Math.max(this.#clock.now, this.#start + this.#longest);
  }

  setTimer(name: string, at: number): void {
    this.#clock.setTimer(name, at);
  }

  /** An order that is back and has waited comes next. */
  takeUp(name: OrderName): void {
    this.#taken.push(this.#world.state.work.orders.get(orderId(name))!.order);
  }

  /** Puts an order among what is to come; returns it with the instant at which it is back. */
  expect(order: Order, { visit, steps }: WorkRequest): WorkUnderWay {
    const start = { at: this.#clock.now, steps, part: order.part };
    const duration = this.#world.plan.durations?.(order.client, order.version, visit, start) ?? 0;
    // a round that waits for all takes them in the order of its cohort, whoever is first
    const inTurn = !this.isAsynchronous;
    if (inTurn) this.#longest = Math.max(this.#longest, duration);
    const after = inTurn ? 0 : duration;
    const arrives = this.#clock.now + after;
    const given = inTurn ? order : { ...order, due: arrives };
    if (this.arrivals === undefined) this.#clock.expect(given, after);
    return { order: given, visit, arrives };
  }

  /** Whether nothing more happens at this instant. */
  isInstantOver(): boolean {
    if (this.#taken.length > 0) return false;
    const next = this.#clock.peek();
    return next === undefined || next.at > this.#clock.now;
  }

  /**
   * The next event, which stays the next until it is taken; undefined: nothing is to come. In real time also `changed`, when
   * other clients are there than before, or `stopped`, when the run is to stop and nobody has an order. An arrival that
   * its schedule may let wait is first a return.
   */
  async next(): Promise<RoundEvent | "changed" | "stopped" | undefined> {
    const taken = this.#taken[0];
    if (taken !== undefined) return { kind: "arrival", at: this.#clock.now, work: taken };
    if (this.arrivals === undefined) {
      const event = this.#clock.peek();
      const waits = event?.kind === "arrival" && this.#world.plan.schedule.returned !== undefined;
      return waits ? { ...event, kind: "return" } : event;
    }
    const { state, ports } = this.#world;
    const { orders } = state.work;
    // a run that is to stop does not wait for clients that may never come
    const signal = orders.size === 0 ? ports.signal : undefined;
    const id = await this.arrivals.next(signal);
    if (id !== undefined) return { kind: "arrival", at: this.#clock.now, work: orders.get(id)!.order };
    return signal?.aborted === true ? "stopped" : "changed";
  }

  /** Goes to the instant of the next event. */
  take(): void {
    if (this.#taken.shift() === undefined) this.#clock.next();
  }
}
