import { AnabranchError } from "@anabranch/engine";
import { VirtualClock } from "../clock/index.ts";
import { type Update, withMetadata } from "../protocol/index.ts";
import type { Step, WorkRequest } from "../schedule/index.ts";
import type { Order, Outcome } from "./backend.ts";
import { Background } from "./background.ts";
import { announceFailure, validateOutcome } from "./intake.ts";
import { warn } from "./narrate.ts";
import { orderMaker } from "./orders.ts";
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
  const vectors = plan.algorithm.broadcast(state.server, scalars, round);
  await ports.backend.publish(round, { round, vectors, scalars });
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
  readonly #order: (request: WorkRequest) => Order;
  readonly #clock: VirtualClock<Order>;
  readonly #saving = new Background(SAVES_AT_A_TIME);
  readonly #outstanding = new Map<string, Order>();
  readonly #cost = { bytesDown: 0, bytesUp: 0, foldMs: 0 };
  readonly #failures: FailedClient[] = [];
  schedule: Step["state"];

  constructor(world: RoundWorld, opened: OpenRound) {
    this.#world = world;
    this.#opened = opened;
    this.#order = orderMaker(world.plan, world.ports, world.pipeline, opened);
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
    const group: Admitted[] = [];
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
      const checked = this.#check(order, outcome);
      if ("failure" in checked) await announceFailure(this.#world.plan, this.#world.ports, this.#opened.round, checked);
      group.push({ order, outcome: checked, weight: this.#admit(order, "failure" in checked) });
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
    const order = this.#order(request);
    this.#outstanding.set(order.id, order);
    this.#clock.expect(order, 0); // without models of devices all clients take no time
    this.#world.ports.backend.submit(order);
  }

  /** The outcome; undefined where it is not here and something that works would wait idle for it. */
  #outcome({ id }: Order, first: boolean): Promise<Outcome | undefined> {
    const { backend } = this.#world.ports;
    const idle = first ? undefined : backend.idle?.();
    return idle === undefined ? backend.outcome(id) : Promise.race([backend.outcome(id), idle.then(() => undefined)]);
  }

  #check(order: Order, arrived: Outcome): Outcome {
    this.#cost.bytesDown += arrived.bytesDown;
    const outcome = validateOutcome(this.#world.pipeline, order, arrived, this.#opened.scalars);
    if ("failure" in outcome) this.#failures.push(outcome.failure);
    return outcome;
  }

  /** Asks the schedule what becomes of an outcome; returns the factor on its weight, 0 where it is left out. */
  #admit({ client, version }: Order, failed: boolean): number {
    const staleness = this.#opened.round - version;
    const arrival = { client, time: this.#clock.now, failed, staleness };
    const step = this.#world.plan.schedule.arrived(this.schedule, arrival);
    this.follow(step);
    return step.fold ? step.weight : 0;
  }

  /** Adds a group, keeps what its clients remember and lets the backend have the memory again. */
  async #fold(group: readonly Admitted[]): Promise<void> {
    const { plan, ports, pipeline } = this.#world;
    // a live client keeps its state to itself: the store then notes its version alone
    const keepsState = Object.keys(plan.payloads.clientState).length > 0;
    const updates: Update[] = [];
    for (const { outcome, weight } of group) {
      if (!("failure" in outcome) && weight > 0) updates.push(weighted(outcome.update, weight));
    }
    const folding = performance.now();
    pipeline.aggregator.addAll(updates);
    this.#cost.foldMs += performance.now() - folding;
    for (const { order, outcome, weight } of group) {
      if (!("failure" in outcome) && weight > 0) {
        const { client, state, bytesUp } = outcome;
        this.#cost.bytesUp += bytesUp;
        if (keepsState) {
          await this.#saving.add(ports.clientStates.save(client, this.#opened.round, state));
        }
      }
      this.#outstanding.delete(order.id);
      const resting = ports.backend.release(order.id);
      if (resting !== undefined) await resting;
    }
  }
}

/** An outcome with the factor on its weight. */
interface Admitted {
  readonly order: Order;
  readonly outcome: Outcome;
  readonly weight: number;
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
