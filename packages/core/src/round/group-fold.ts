import { TaskMeter } from "../metrics/task-meter.ts";
import type { Vector } from "../params/vector.ts";
import { keepsClientState } from "../pipeline/index.ts";
import type { Update } from "../protocol/index.ts";
import { firstOrder } from "../schedule/index.ts";
import type { Order, Outcome } from "./backend.ts";
import { Background } from "./background.ts";
import type { Collected, RoundWorld } from "./round-world.ts";
import { keepsParameters } from "./whole-model.ts";

/** Client states on their way to the store: they are copied, so this bounds memory. */
const SAVES_AT_A_TIME = 8;

/** An outcome with the factor on it; 0: it is left out. */
export interface Admitted {
  readonly order: Order;
  readonly outcome: Outcome;
  readonly factor: number;
}

/** What messages and their sum have cost, and what was measured of the tasks. */
export type FoldCost = Pick<Collected, "bytesDown" | "bytesUp" | "largestMessage" | "foldMs" | "flops" | "tasks">;

/** Adds admitted outcomes to the aggregate, a group at a time, saves client states and counts what it costs. */
export class GroupFold {
  readonly #world: RoundWorld;
  readonly #round: number;
  readonly #saving = new Background(SAVES_AT_A_TIME);
  readonly #tasks = new TaskMeter();
  #flops = 0;
  readonly #cost = { bytesDown: 0, bytesUp: 0, largestMessage: 0, foldMs: 0 };

  constructor(world: RoundWorld, round: number) {
    this.#world = world;
    this.#round = round;
  }

  get cost(): FoldCost {
    const flops = this.#world.plan.partFlops === undefined ? undefined : this.#flops;
    return { ...this.#cost, flops, tasks: this.#tasks };
  }

  /** Counts what a client was sent, whatever became of its task. */
  countDown(bytes: number): void {
    this.#count("bytesDown", bytes);
  }

  /** Adds a group, keeps what its clients remember and lets the backend have the memory again. */
  async add(group: readonly Admitted[]): Promise<void> {
    const { ports, state } = this.#world;
    this.#sum(group);
    const { aggregator } = this.#world.pipeline;
    if (aggregator.settle !== undefined) await aggregator.settle();
    for (const { order, outcome, factor } of group) {
      this.#countUp(outcome);
      if (factor > 0) await this.#keep(outcome);
      state.work.orders.delete(order.id);
      const resting = ports.backend.release(order.id);
      if (resting !== undefined) await resting;
    }
  }

  /** Resolves when all client states are saved. Throws what the store throws. */
  finishSaving(): Promise<void> {
    return this.#saving.finish();
  }

  /** As `finishSaving`, but throws nothing. */
  settleSaving(): Promise<void> {
    return this.#saving.settle();
  }

  #count(direction: "bytesDown" | "bytesUp", bytes: number): void {
    if (this.#world.plan.baseline !== undefined) return; // nobody would send it
    this.#cost[direction] += bytes;
    this.#cost.largestMessage = Math.max(this.#cost.largestMessage, bytes);
  }

  /** Messages of the client's steps, where it takes them with the server. */
  #countExchanged({ public: about }: Update): void {
    const { algorithm, float, baseline } = this.#world.plan;
    if (baseline !== undefined) return;
    const exchanged = algorithm.exchanged?.(about, float);
    if (exchanged === undefined) return;
    this.#cost.bytesDown += exchanged.bytesDown;
    this.#cost.bytesUp += exchanged.bytesUp;
    this.#cost.largestMessage = Math.max(this.#cost.largestMessage, exchanged.largestMessage);
  }

  #sum(group: readonly Admitted[]): void {
    const updates: Update[] = [];
    const factors: number[] = [];
    for (const { order, outcome, factor } of group) {
      if ("failure" in outcome || factor === 0) continue;
      updates.push(this.#compensated(outcome.update, order.version));
      factors.push(factor);
      this.#countFlops(outcome.update);
    }
    const began = performance.now();
    this.#world.pipeline.aggregator.addAll(updates, factors.every((factor) => factor === 1) ? undefined : factors);
    this.#cost.foldMs += performance.now() - began;
  }

  #countFlops({ public: { part, steps } }: Update): void {
    const task = this.#world.plan.partFlops?.[part!];
    if (task !== undefined) this.#flops += task.flopsPerTask + steps * task.flopsPerStep;
  }

  /** The update, moved from the model that it was trained on to the present one. */
  #compensated(update: Update, version: number): Update {
    const { plan, state } = this.#world;
    const { compensation = 0 } = plan;
    const base = state.work.versions.get(version)!.vectors["parameters"];
    if (compensation === 0 || base === undefined || version === this.#round) return update;
    const { parameters } = state.server.vectors;
    const move = (vector: Vector) => firstOrder(vector, parameters, base, compensation);
    const moved = Object.entries(update.vectors).map(([name, vector]) => [name, move(vector)] as const);
    return { ...update, vectors: Object.fromEntries(moved) };
  }

  /** An update that is left out was trained and sent all the same. */
  #countUp(outcome: Outcome): void {
    if ("failure" in outcome) return;
    this.#count("bytesUp", outcome.bytesUp);
    this.#countExchanged(outcome.update);
    this.#tasks.add(outcome.measured);
  }

  async #keep(outcome: Outcome): Promise<void> {
    if ("failure" in outcome) return;
    const { client, state } = outcome;
    const { plan, ports } = this.#world;
    // a live client keeps its state to itself: the store then notes its version alone
    if (keepsClientState(plan.payloads, plan.stages) || keepsParameters(plan))
      await this.#saving.add(ports.clientStates.save(client, this.#round, state));
  }
}
