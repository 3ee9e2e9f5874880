import { AnabranchError } from "@anabranch/engine";
import { type TimedEvent, VirtualClock } from "../clock/index.ts";
import { TaskMeter } from "../metrics/task-meter.ts";
import type { Update } from "../protocol/index.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import type { Step, WorkRequest } from "../schedule/index.ts";
import type { Arrivals, Order, Outcome } from "./backend.ts";
import { Background } from "./background.ts";
import { announceFailure, validateOutcome } from "./intake.ts";
import { warn } from "./narrate.ts";
import { orderMaker } from "./orders.ts";
import type { Collected, FoldedUpdate, OpenRound, RoundWorld } from "./round-world.ts";
import { StalenessMeter } from "./staleness-meter.ts";
import type { FailedClient } from "./trouble.ts";
import { abandonWork } from "./work.ts";

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
  const broadcast = { round, vectors: plan.algorithm.broadcast(state.server, scalars, round), scalars };
  await ports.backend.publish(round, broadcast);
  state.work.versions.set(round, broadcast);
  const collection = new Collection(world, opened);
  let whole = false;
  try {
    collection.follow(plan.schedule.open(state.schedule, { round, time: state.time, cohort }));
    while (!collection.complete) await collection.takeGroup();
    state.time = collection.time;
    state.schedule = collection.schedule;
    const collected = await collection.finish();
    whole = true;
    return collected;
  } finally {
    await collection.end(); // after a failure too, nothing may write into memory of the next round
    await abandonWork(ports.backend, state.work, whole && plan.schedule.settle !== undefined ? "unnamed" : "all");
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
  readonly #cost = { bytesDown: 0, bytesUp: 0, largestMessage: 0, foldMs: 0 };
  readonly #tasks = new TaskMeter();
  readonly #staleness = new StalenessMeter();
  readonly #updates: FoldedUpdate[] = [];
  /** Whether rounds take arrivals by their time. */
  readonly #isAsynchronous: boolean;
  /** Where clients take real time and the schedule follows them. */
  readonly #arrivals: Arrivals | undefined;
  readonly #failures: FailedClient[] = [];
  /** Whether work was given out, or could not be, since the last event. */
  #settled = false;
  /** Whether work that was given out before the run was cut off was looked for. */
  #looked = false;
  /** Longest duration of an order, where a round waits for all of them. */
  #longest = 0;
  schedule: Step["state"];

  constructor(world: RoundWorld, opened: OpenRound) {
    const { state } = world;
    this.#world = world;
    this.#opened = opened;
    this.#order = orderMaker(world.plan, world.ports, world.pipeline, opened);
    this.#clock = new VirtualClock(state.time);
    this.#isAsynchronous = world.plan.schedule.settle !== undefined;
    this.#arrivals = this.#isAsynchronous ? world.ports.backend.arrivals : undefined;
    const carried = this.#arrivals === undefined ? state.work.orders.values() : [];
    for (const { order, arrives } of carried) this.#clock.expect(order, arrives - state.time);
    this.schedule = state.schedule;
  }

  get time(): number {
    return this.#clock.now + this.#longest;
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
      if (this.#isInstantOver()) {
        // what a client is given next begins with what it keeps now
        if (group.length > 0) break;
        await this.#settle();
        continue;
      }
      const event = this.#arrivals === undefined ? this.#clock.peek() : await this.#wait(this.#arrivals);
      if (event === "changed") {
        this.#settled = false;
        continue;
      }
      if (event === undefined) {
        if (group.length > 0) break;
        throw stalled(this.#world.plan.schedule.name, this.#opened.round);
      }
      this.#settled = false;
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
      group.push({ order, outcome: checked, factor: this.#admit(order, "failure" in checked) });
    }
    await this.#fold(group);
  }

  async finish(): Promise<Collected> {
    await this.#saving.finish();
    const failures = this.#failures;
    const back = this.#world.pipeline.aggregator.metrics.clients + failures.length;
    const cohort = this.#opened.cohort.length === 0 ? back : this.#opened.cohort.length;
    const measured = { staleness: this.#staleness.summary(), updates: this.#updates, tasks: this.#tasks };
    return { ...this.#cost, failures, cohort, ...measured };
  }

  /** After a failure this waits for the client states that are being saved. */
  async end(): Promise<void> {
    await this.#saving.settle();
  }

  /** Whether a schedule that gives out work at the end of each instant has to be asked now. */
  #isInstantOver(): boolean {
    if (!this.#isAsynchronous || this.#settled) return false;
    const next = this.#clock.peek();
    return next === undefined || next.at > this.#clock.now;
  }

  /** The next order that is back in real time, or that other clients are there than before. */
  async #wait(arrivals: Arrivals): Promise<TimedEvent<Order> | "changed"> {
    const { state, ports } = this.#world;
    const { orders } = state.work;
    // a run that is to stop does not wait for clients that may never come
    const signal = orders.size === 0 ? ports.signal : undefined;
    const id = await arrivals.next(signal);
    if (id !== undefined) return { kind: "arrival", at: this.#clock.now, work: orders.get(id)!.order };
    this.complete ||= signal?.aborted === true;
    return "changed";
  }

  async #settle(): Promise<void> {
    const { plan, state } = this.#world;
    const { round } = this.#opened;
    await this.#saving.finish();
    const begun = this.#looked ? undefined : await this.#arrivals?.given(round);
    this.#looked = true;
    this.#settled = begun === undefined || begun.length === 0;
    const absent = this.#arrivals?.absent(plan.population) ?? [];
    const orders = [...state.work.orders.values()];
    const instant = {
      round,
      time: this.#clock.now,
      population: plan.population,
      outstanding: orders.length,
      unavailable: new Set([...orders.map(({ order }) => order.client), ...absent]),
      ...(begun === undefined ? {} : { begun }),
      key: deriveKey(rootKey(plan.seed), "dispatch", round),
    };
    this.follow(plan.schedule.settle!(this.schedule, instant));
  }

  #give(request: WorkRequest): void {
    const { plan, ports, state } = this.#world;
    const order = this.#order(request);
    const duration = plan.durations?.(order.client, order.version, request.visit) ?? 0;
    // a round that waits for all takes them in the order of its cohort, whoever is first
    const inTurn = !this.#isAsynchronous;
    if (inTurn) this.#longest = Math.max(this.#longest, duration);
    const after = inTurn ? 0 : duration;
    const arrives = this.#clock.now + after;
    const given = inTurn ? order : { ...order, due: arrives };
    state.work.orders.set(order.id, { order: given, visit: request.visit, arrives });
    if (this.#arrivals === undefined) this.#clock.expect(given, after);
    ports.backend.submit(given);
  }

  /** The outcome; undefined where it is not here and something that works would wait idle for it. */
  #outcome({ id }: Order, first: boolean): Promise<Outcome | undefined> {
    const { backend } = this.#world.ports;
    const idle = first ? undefined : backend.idle?.();
    return idle === undefined ? backend.outcome(id) : Promise.race([backend.outcome(id), idle.then(() => undefined)]);
  }

  #check(order: Order, arrived: Outcome): Outcome {
    this.#cost.bytesDown += arrived.bytesDown;
    this.#cost.largestMessage = Math.max(this.#cost.largestMessage, arrived.bytesDown);
    const { scalars } = this.#world.state.work.versions.get(order.version)!;
    const outcome = validateOutcome(this.#world.pipeline, order, arrived, scalars);
    if ("failure" in outcome) this.#failures.push(outcome.failure);
    return outcome;
  }

  /** Asks the schedule what becomes of an outcome; returns the factor on it, 0 where it is left out. */
  #admit({ id, client, version }: Order, failed: boolean): number {
    const staleness = this.#opened.round - version;
    const arrival = { client, time: this.#clock.now, failed, staleness };
    const step = this.#world.plan.schedule.arrived(this.schedule, arrival);
    this.follow(step);
    if (!step.fold) return 0;
    if (!failed && this.#isAsynchronous) {
      this.#staleness.add(staleness);
      this.#updates.push({ client, version, visit: this.#world.state.work.orders.get(id)!.visit });
    }
    return step.factor;
  }

  /** Adds a group, keeps what its clients remember and lets the backend have the memory again. */
  async #fold(group: readonly Admitted[]): Promise<void> {
    const { plan, ports, pipeline, state } = this.#world;
    // a live client keeps its state to itself: the store then notes its version alone
    const keepsState = Object.keys(plan.payloads.clientState).length > 0;
    const updates: Update[] = [];
    const factors: number[] = [];
    for (const { outcome, factor } of group) {
      if ("failure" in outcome || factor === 0) continue;
      updates.push(outcome.update);
      factors.push(factor);
    }
    const folding = performance.now();
    pipeline.aggregator.addAll(updates, factors.every((factor) => factor === 1) ? undefined : factors);
    this.#cost.foldMs += performance.now() - folding;
    for (const { order, outcome, factor } of group) {
      if (!("failure" in outcome) && factor > 0) {
        const { client, state: kept, bytesUp, measured } = outcome;
        this.#cost.bytesUp += bytesUp;
        this.#cost.largestMessage = Math.max(this.#cost.largestMessage, bytesUp);
        this.#tasks.add(measured);
        if (keepsState) {
          await this.#saving.add(ports.clientStates.save(client, this.#opened.round, kept));
        }
      }
      state.work.orders.delete(order.id);
      const resting = ports.backend.release(order.id);
      if (resting !== undefined) await resting;
    }
  }
}

/** An outcome with the factor on it. */
interface Admitted {
  readonly order: Order;
  readonly outcome: Outcome;
  readonly factor: number;
}

function stalled(schedule: string, round: number): AnabranchError {
  return new AnabranchError({
    code: "schedule/stalled",
    message: `the schedule "${schedule}" waits, but no order is outstanding and no timer is set`,
    where: `round ${round}`,
    expected: "a step that is complete, or one with requests or timers",
  });
}
