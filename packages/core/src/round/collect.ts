import { AnabranchError } from "@anabranch/engine";
import { lossOfBroadcast } from "../pipeline/index.ts";
import type { Broadcast } from "../protocol/message.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import type { Step, WorkRequest } from "../schedule/index.ts";
import type { ClientReport } from "../selection/feedback.ts";
import type { Order, Outcome } from "./backend.ts";
import { isDiagnosed } from "./diagnose.ts";
import { type Admitted, GroupFold } from "./group-fold.ts";
import { announceFailure, validateOutcome } from "./intake.ts";
import { warn } from "./narrate.ts";
import { commonVectors, orderMaker } from "./orders.ts";
import { trainRoot } from "./root-client.ts";
import type { Collected, FoldedUpdate, OpenRound, RoundWorld } from "./round-world.ts";
import { unansweredBytes } from "./sent-bytes.ts";
import { StalenessMeter } from "./staleness-meter.ts";
import { Timeline } from "./timeline.ts";
import type { FailedClient } from "./trouble.ts";
import { abandonWork } from "./work.ts";

/**
 * Publishes the model, gives out work as the schedule says and adds what comes back, in the order in which the clock tells
 * of it, until the schedule has what it waits for. The only place that waits for clients.
 */
export async function collect(world: RoundWorld, opened: OpenRound): Promise<Collected> {
  const { plan, ports, state, pipeline } = world;
  const { round, cohort, scalars } = opened;
  pipeline.aggregator.begin(round, cohort);
  const vectors = commonVectors(plan.payloads, plan.algorithm.broadcast(state.server, scalars, round));
  const encoded = plan.algorithm.encoded?.(state.server);
  const carried = { round, vectors, ...(encoded === undefined ? {} : { encoded }), scalars };
  const { server, whole: sent, change } = pipeline.broadcast(state.server, carried);
  state.server = server;
  await ports.backend.publish(round, sent, change);
  state.work.versions.set(round, sent);
  const { down } = plan.stages;
  const isMeasured = down !== undefined && plan.diagnostics?.compression === true && isDiagnosed(plan, round);
  const broadcast = isMeasured
    ? lossOfBroadcast(down, plan.payloads.broadcast, carried, { whole: sent, ...(change && { change }) })
    : undefined;
  const collection = new Collection(world, opened, change);
  let whole = false;
  try {
    await trainRoot(world, opened);
    collection.follow(plan.schedule.open(state.schedule, { round, time: state.time, cohort, parts: opened.parts }));
    while (!collection.complete) await collection.takeGroup();
    state.time = collection.time;
    state.schedule = collection.schedule;
    const collected = await collection.finish();
    whole = true;
    return { ...collected, broadcast };
  } finally {
    await collection.end(); // after a failure too, nothing may write into memory of the next round
    await abandonWork(ports.backend, state.work, whole && plan.schedule.settle !== undefined ? "unnamed" : "all");
    await warn(ports, ports.backend.takeWarnings?.());
  }
}

/** Follows the schedule through one round: it is asked what becomes of each event, and its answer is done. */
class Collection {
  complete = false;
  schedule: Step["state"];
  readonly #world: RoundWorld;
  readonly #opened: OpenRound;
  readonly #order: (request: WorkRequest) => Order;
  readonly #timeline: Timeline;
  readonly #fold: GroupFold;
  readonly #staleness = new StalenessMeter();
  readonly #updates: FoldedUpdate[] = [];
  readonly #failures: FailedClient[] = [];
  readonly #reports: ClientReport[] = [];
  /** What goes to clients that have the version before, in place of the whole broadcast. */
  readonly #change: Broadcast | undefined;
  /** Clients that were sent the model for nothing. */
  readonly #unused = new Set<number>();
  /** Whether work was given out, or could not be, since the last event. */
  #settled = false;
  /** Whether work that was given out before the run was cut off was looked for. */
  #looked = false;

  constructor(world: RoundWorld, opened: OpenRound, change: Broadcast | undefined) {
    this.#world = world;
    this.#opened = opened;
    this.#change = change;
    this.#order = orderMaker(world.plan, world.ports, world.pipeline, opened, world.state.server);
    this.#timeline = new Timeline(world);
    this.#fold = new GroupFold(world, opened.round);
    this.schedule = world.state.schedule;
  }

  get time(): number {
    return this.#timeline.end;
  }

  /** Does what the schedule says. */
  follow({ state, requests, timers = [], take = [], unused = [], complete }: Step): void {
    this.schedule = state;
    this.complete = complete;
    for (const client of unused) this.#unused.add(client);
    for (const name of take) this.#timeline.takeUp(name);
    for (const request of requests) this.#give(request);
    for (const { name, at } of timers) this.#timeline.setTimer(name, at);
  }

  /** Takes the next outcomes, several where they are summed in less time together and nobody waits idle meanwhile. */
  async takeGroup(): Promise<void> {
    const { plan, ports, state } = this.#world;
    const group: Admitted[] = [];
    while (group.length < ports.backend.group && !this.complete) {
      if (this.#isToSettle()) {
        // what a client is given next begins with what it keeps now
        if (group.length > 0) break;
        await this.#settle();
        continue;
      }
      const event = await this.#timeline.next();
      if (event === undefined) {
        if (group.length > 0) break;
        throw stalled(plan.schedule.name, this.#opened.round);
      }
      if (event === "changed" || event === "stopped") {
        this.#settled = false;
        this.complete ||= event === "stopped";
        continue;
      }
      this.#settled = false;
      if (event.kind === "return") {
        this.#timeline.take();
        const { client, version } = event.work;
        const { visit } = state.work.orders.get(event.work.id)!;
        this.follow(plan.schedule.returned!(this.schedule, { client, version, visit, time: event.at }));
        continue;
      }
      if (event.kind === "timer") {
        this.#timeline.take();
        this.follow(plan.schedule.timer(this.schedule, event.name, event.at));
        continue;
      }
      const outcome = await this.#outcome(event.work, group.length === 0);
      if (outcome === undefined) break;
      this.#timeline.take();
      group.push(await this.#admit(event.work, outcome));
    }
    await this.#fold.add(group);
  }

  async finish(): Promise<Collected> {
    await this.#fold.finishSaving();
    for (const client of this.#unused) this.#fold.countDown(await this.#unanswered(this.#order({ client, visit: 0 })));
    const failures = this.#failures;
    const back = this.#world.pipeline.aggregator.metrics.clients + failures.length;
    const cohort = this.#opened.cohort.length === 0 ? back : this.#opened.cohort.length;
    return {
      ...this.#fold.cost,
      failures,
      cohort,
      staleness: this.#staleness.summary(),
      updates: this.#updates,
      reports: this.#reports,
    };
  }

  /** After a failure this waits for the client states that are being saved. */
  async end(): Promise<void> {
    await this.#fold.settleSaving();
  }

  /** Whether a schedule that gives out work at the end of each instant has to be asked now. */
  #isToSettle(): boolean {
    return this.#timeline.isAsynchronous && !this.#settled && this.#timeline.isInstantOver();
  }

  async #settle(): Promise<void> {
    const { plan, state } = this.#world;
    const { round } = this.#opened;
    const { arrivals } = this.#timeline;
    await this.#fold.finishSaving();
    const begun = this.#looked ? undefined : await arrivals?.given(round);
    this.#looked = true;
    this.#settled = begun === undefined || begun.length === 0;
    const absent = arrivals?.absent(plan.population) ?? [];
    const orders = [...state.work.orders.values()];
    const instant = {
      round,
      time: this.#timeline.now,
      population: plan.population,
      outstanding: orders.length,
      unavailable: new Set([...orders.map(({ order }) => order.client), ...absent]),
      ...(begun === undefined ? {} : { begun }),
      key: deriveKey(rootKey(plan.seed), "dispatch", round),
    };
    this.follow(plan.schedule.settle!(this.schedule, instant));
  }

  #give(request: WorkRequest): void {
    const { ports, state } = this.#world;
    this.#unused.delete(request.client);
    const work = this.#timeline.expect(this.#order(request), request);
    state.work.orders.set(work.order.id, work);
    if (this.#answers(work.order)) ports.backend.submit(work.order);
  }

  /** Whether a simulated client is there to send its update. */
  #answers({ client, version }: Order): boolean {
    return this.#world.plan.churn?.answersAfter(client, version) ?? true;
  }

  /** The outcome; undefined where it is not here and something that works would wait idle for it. */
  async #outcome(order: Order, first: boolean): Promise<Outcome | undefined> {
    const { id, client } = order;
    const { backend } = this.#world.ports;
    if (!this.#answers(order)) {
      return { client, failure: UNRESPONSIVE, bytesDown: await this.#unanswered(order), retried: false };
    }
    const idle = first ? undefined : backend.idle?.();
    return idle === undefined ? backend.outcome(id) : Promise.race([backend.outcome(id), idle.then(() => undefined)]);
  }

  #unanswered(order: Order): Promise<number> {
    const { version } = order;
    const change = version === this.#opened.round ? this.#change : undefined;
    return unansweredBytes(order, this.#world.state.work.versions.get(version)!, change);
  }

  /** Checks an outcome, announces a failure and asks the schedule what becomes of it. */
  async #admit(order: Order, arrived: Outcome): Promise<Admitted> {
    const { plan, ports, pipeline, state } = this.#world;
    this.#fold.countDown(arrived.bytesDown);
    const { scalars } = state.work.versions.get(order.version)!;
    const outcome = validateOutcome(pipeline, order, arrived, scalars);
    const failed = "failure" in outcome;
    if (failed) {
      this.#failures.push(outcome.failure);
      await announceFailure(plan, ports, this.#opened.round, outcome);
    } else if (plan.sampler.feedback !== undefined) {
      const { loss, examples } = outcome.update.public;
      const start = { at: this.#timeline.now, part: order.part };
      const took = plan.durations?.(order.client, order.version, 0, start) ?? 0;
      this.#reports.push({ client: order.client, loss, examples, seconds: took / 1e6 });
    }
    return { order, outcome, factor: this.#factor(order, failed) };
  }

  /** The factor that the schedule puts on an outcome, 0 where it is left out. */
  #factor({ id, client, version }: Order, failed: boolean): number {
    const staleness = this.#opened.round - version;
    const arrival = { client, time: this.#timeline.now, failed, staleness };
    const step = this.#world.plan.schedule.arrived(this.schedule, arrival);
    this.follow(step);
    if (!step.fold) return 0;
    if (!failed && this.#timeline.isAsynchronous) {
      this.#staleness.add(staleness);
      this.#updates.push({ client, version, visit: this.#world.state.work.orders.get(id)!.visit });
    }
    return step.factor;
  }
}

/** Of clients that have stopped, see `churn`. */
const UNRESPONSIVE = { code: "client/unresponsive", message: "the client has stopped and sends nothing" };

function stalled(schedule: string, round: number): AnabranchError {
  return new AnabranchError({
    code: "schedule/stalled",
    message: `the schedule "${schedule}" waits, but no order is outstanding and no timer is set`,
    where: `round ${round}`,
    expected: "a step that is complete, or one with requests or timers",
  });
}
