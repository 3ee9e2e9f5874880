import { AnabranchError } from "@anabranch/engine";
import { VirtualClock } from "../clock/index.ts";
import { type Update, withMetadata } from "../protocol/index.ts";
import type { Step, WorkRequest } from "../schedule/index.ts";
import type { Order, Outcome } from "./backend.ts";
import { Background } from "./background.ts";
import { announceFailure, validateOutcome } from "./intake.ts";
import { warn } from "./narrate.ts";
import { makeOrder } from "./orders.ts";
import type { Collected, OpenRound, RoundWorld } from "./round-world.ts";
import type { FailedClient } from "./trouble.ts";

/** Client states on their way to the store: they are copied, so this bounds memory. */
const SAVES_AT_A_TIME = 8;

/**
 * Publishes the model, gives out work as the schedule says and adds what comes back, in the order in which the clock tells
 * of it, until the schedule has what it waits for. The only place that waits for clients.
 */
export async function collect(world: RoundWorld, opened: OpenRound): Promise<Collected> {
  const { plan, ports, state, pipeline } = world;
  const { round, cohort, scalars } = opened;
  pipeline.aggregator.begin(round, cohort);
  ports.backend.publish(round, { round, vectors: plan.algorithm.broadcast(state.server, scalars, round), scalars });
  const collection = new Collection(world, opened);
  try {
    collection.follow(plan.schedule.open(state.schedule, { round, time: state.time, cohort }));
    while (!collection.complete) await collection.takeGroup();
    state.time = collection.time;
    state.schedule = collection.schedule;
    return await collection.finish();
  } finally {
    await collection.abandon(); // after a failure too, nothing may write into memory of the next round
    ports.backend.retire(round);
    await warn(ports, ports.backend.takeWarnings?.());
  }
}

class Collection {
  complete = false;
  readonly #world: RoundWorld;
  readonly #opened: OpenRound;
  readonly #clock: VirtualClock<Order>;
  readonly #saving = new Background(SAVES_AT_A_TIME);
  readonly #outstanding = new Map<string, Order>();
  readonly #cost = { bytesDown: 0, bytesUp: 0, foldMs: 0 };
  readonly #failures: FailedClient[] = [];
  schedule: Step["state"];

  constructor(world: RoundWorld, opened: OpenRound) {
    this.#world = world;
    this.#opened = opened;
    this.#clock = new VirtualClock(world.state.time);
    this.schedule = world.state.schedule;
  }

  get time(): number {
    return this.#clock.now;
  }

  /** Does what the schedule says. */
  follow({ state, requests, timers = [], complete }: Step): void {
    this.schedule = state;
    this.complete = complete;
    for (const request of requests) this.#give(request);
    for (const { name, at } of timers) this.#clock.setTimer(name, at);
  }

  /** Takes the next outcomes, several where they are summed in less time together and nobody waits idle meanwhile. */
  async takeGroup(): Promise<void> {
    const { backend } = this.#world.ports;
    const group: { readonly order: Order; readonly outcome: Outcome; readonly weight: number }[] = [];
    while (group.length < backend.group && !this.complete) {
      const event = this.#clock.peek();
      if (event === undefined) {
        if (group.length > 0) break;
        throw stalled(this.#world.plan.schedule.name, this.#opened.round);
      }
      if (event.kind === "timer") {
        this.#clock.next();
        this.follow(this.#world.plan.schedule.timer(this.schedule, event.name, event.at));
        continue;
      }
      const order = event.work;
      const outcome = await this.#outcome(order, group.length === 0);
      if (outcome === undefined) break;
      this.#clock.next();
      group.push({ order, ...(await this.#admit(order, outcome)) });
    }
    await this.#fold(group);
  }

  async finish(): Promise<Collected> {
    await this.#saving.finish();
    return { ...this.#cost, failures: this.#failures };
  }

  /** Drops what is outstanding. After a failure this waits for the client states that are being saved too. */
  async abandon(): Promise<void> {
    await Promise.all([...this.#outstanding.keys()].map((id) => this.#world.ports.backend.release(id)));
    this.#outstanding.clear();
    await this.#saving.settle();
  }

  #give(request: WorkRequest): void {
    const { plan, ports, pipeline } = this.#world;
    const order = makeOrder(plan, ports, pipeline, this.#opened, request);
    this.#outstanding.set(order.id, order);
    this.#clock.expect(order, 0); // without models of devices all clients take no time
    ports.backend.submit(order);
  }

  /** The outcome; undefined where it is not here and something that works would wait idle for it. */
  #outcome({ id }: Order, first: boolean): Promise<Outcome | undefined> {
    const { backend } = this.#world.ports;
    const idle = first ? undefined : backend.idle?.();
    return idle === undefined ? backend.outcome(id) : Promise.race([backend.outcome(id), idle.then(() => undefined)]);
  }

  /** Checks an outcome and asks the schedule what becomes of it. */
  async #admit(order: Order, arrived: Outcome): Promise<{ readonly outcome: Outcome; readonly weight: number }> {
    const { plan, ports, pipeline } = this.#world;
    const { round, scalars } = this.#opened;
    this.#cost.bytesDown += arrived.bytesDown;
    const outcome = validateOutcome(pipeline, order, arrived, scalars);
    const failed = "failure" in outcome;
    if (failed) {
      this.#failures.push(outcome.failure);
      await announceFailure(plan, ports, round, outcome);
    }
    const { client, version } = order;
    const arrival = { client, time: this.#clock.now, failed, staleness: round - version };
    const step = plan.schedule.arrived(this.schedule, arrival);
    this.follow(step);
    return { outcome, weight: step.fold ? step.weight : 0 };
  }

  /** Adds a group, keeps what its clients remember and lets the backend have the memory again. */
  async #fold(group: readonly { readonly order: Order; readonly outcome: Outcome; readonly weight: number }[]) {
    const { ports, pipeline } = this.#world;
    const accepted = group
      .filter(({ weight }) => weight > 0)
      .flatMap(({ outcome, weight }) => {
        return "failure" in outcome ? [] : [{ ...outcome, update: weighted(outcome.update, weight) }];
      });
    const folding = performance.now();
    pipeline.aggregator.addAll(accepted.map(({ update }) => update));
    this.#cost.foldMs += performance.now() - folding;
    for (const { client, state, bytesUp } of accepted) {
      this.#cost.bytesUp += bytesUp;
      if (Object.keys(state).length > 0) {
        await this.#saving.add(ports.clientStates.save(client, this.#opened.round, state));
      }
    }
    for (const { order } of group) {
      this.#outstanding.delete(order.id);
      await ports.backend.release(order.id);
    }
  }
}

function stalled(schedule: string, round: number): AnabranchError {
  return new AnabranchError({
    code: "schedule/stalled",
    message: `the schedule "${schedule}" waits, but no order is outstanding and no timer is set`,
    where: `round ${round}`,
    expected: "a step that is complete, or one with requests or timers",
  });
}

function weighted(update: Update, factor: number): Update {
  return factor === 1 ? update : withMetadata(update, { weight: update.public.weight * factor });
}
