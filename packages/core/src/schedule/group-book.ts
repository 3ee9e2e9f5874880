import { type ArrivalGroup, assignGroup, type GroupLimits } from "./group-assignment.ts";
import type { OrderName, ScheduleState, WorkRequest } from "./schedule.ts";

/** An order under way. */
export interface Running extends OrderName {
  /** Undefined before a client's speed is known. */
  readonly group: number | undefined;
  readonly steps: number;
  /** Seconds. */
  readonly began: number;
}

/** A client that is to be given work at the end of the instant. */
interface Queued {
  readonly client: number;
  readonly group: number | undefined;
  readonly steps: number;
}

type Arrived = OrderName & { readonly group: number };

interface BookOptions extends GroupLimits {
  readonly speedMomentum: number;
  readonly onAssign?: (assigned: { time: number; client: number; group: number; steps: number }) => void;
}

/** What arrival groups remember, read from the numbers of a schedule's state and written as such. */
export class GroupBook {
  readonly groups: ArrivalGroup[];
  /** Members that are back before their group's end, and updates that came too late for theirs. */
  readonly arrived: Arrived[];
  readonly late: OrderName[];
  /** Updates of the present round that are still to be told. */
  taking: number;
  readonly #options: BookOptions;
  readonly #speeds: Map<number, number>;
  readonly #running: Running[];
  #queue: Queued[];
  /** Clients that were given work on the present version. */
  #given: number[];
  /** Number of the next group; undefined before anyone was given work. */
  #next: number | undefined;
  #version: number;
  readonly #fresh: ArrivalGroup[] = [];

  constructor(state: ScheduleState, options: BookOptions) {
    this.#options = options;
    this.#speeds = new Map(rows(state["speeds"], 2).map(([client, speed]) => [client!, speed!]));
    this.groups = rows(state["groups"], 3).map(([number, expected, latest]) => {
      return { number: number!, expected: expected!, latest: latest! };
    });
    this.arrived = rows(state["arrived"], 4).map(([client, version, visit, group]) => {
      return { client: client!, version: version!, visit: visit!, group: group! };
    });
    this.late = rows(state["late"], 3).map(([client, version, visit]) => {
      return { client: client!, version: version!, visit: visit! };
    });
    this.#running = rows(state["running"], 6).map(([client, version, visit, group, steps, began]) => {
      return { client: client!, version: version!, visit: visit!, group: known(group!), steps: steps!, began: began! };
    });
    this.#queue = rows(state["queue"], 3).map(([client, group, steps]) => {
      return { client: client!, group: known(group!), steps: steps! };
    });
    this.#given = [...(state["given"] ?? [])];
    [this.taking, this.#version] = [state["taking"]?.[0] ?? 0, state["version"]?.[0] ?? 0];
    this.#next = state["next"]?.[0];
  }

  state(): ScheduleState {
    const lists = {
      speeds: [...this.#speeds].flat(),
      groups: this.groups.flatMap(({ number, expected, latest }) => [number, expected, latest]),
      arrived: this.arrived.flatMap(({ client, version, visit, group }) => [client, version, visit, group]),
      late: this.late.flatMap(({ client, version, visit }) => [client, version, visit]),
      running: this.#running.flatMap((r) => [r.client, r.version, r.visit, r.group ?? NONE, r.steps, r.began]),
      queue: this.#queue.flatMap(({ client, group, steps }) => [client, group ?? NONE, steps]),
      given: this.#given,
      taking: this.taking === 0 ? [] : [this.taking],
      version: [this.#version],
      next: this.#next === undefined ? [] : [this.#next],
    };
    return Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
  }

  get hasBegun(): boolean {
    return this.#next !== undefined;
  }

  /** Queues all clients with so many steps, in no group. */
  begin(population: number, steps: number): void {
    this.#next = 0;
    this.#queue = Array.from({ length: population }, (_, client) => ({ client, group: undefined, steps }));
  }

  beginRound(round: number): void {
    this.#version = round;
    this.#given = [];
    this.taking = 0;
  }

  /** Seconds per step. */
  speed(client: number): number {
    return this.#speeds.get(client)!;
  }

  takeRunning({ client, version, visit }: OrderName): Running {
    const index = this.#running.findIndex((r) => r.client === client && r.version === version && r.visit === visit);
    return this.#running.splice(index, 1)[0]!;
  }

  /** Learns a client's speed from the time that its order took. */
  observe({ client, steps, began }: Running, now: number): void {
    const newest = (now - began) / steps;
    const before = this.#speeds.get(client);
    const { speedMomentum: mu } = this.#options;
    this.#speeds.set(client, before === undefined ? newest : (1 - mu) * before + mu * newest);
  }

  /** Puts a client into a group and queues it. */
  assign(client: number, now: number): void {
    const open = this.groups.map((group) => ({ ...group, fastest: this.#fastest(group.number) }));
    const { steps, joined, expected, latest } = assignGroup(open, this.speed(client), now, this.#options);
    const number = joined ?? this.#next!;
    if (joined === undefined) {
      const group = { number, expected, latest };
      this.#next = number + 1;
      this.groups.push(group);
      this.#fresh.push(group);
    }
    this.#queue.push({ client, group: number, steps });
    this.#options.onAssign?.({ time: now, client, group: number, steps });
  }

  /** Groups that were made since they were asked for. */
  takeNewGroups(): readonly ArrivalGroup[] {
    return this.#fresh.splice(0);
  }

  /** Whether a member of a group is not back. */
  isAnyoneOut(number: number): boolean {
    return [...this.#running, ...this.#queue].some(({ group }) => group === number);
  }

  hasArrived(number: number): boolean {
    return this.arrived.some(({ group }) => group === number);
  }

  /** Ends a group: its members that are back. */
  takeArrived(number: number): readonly OrderName[] {
    const members = this.arrived.filter(({ group }) => group === number);
    this.arrived.splice(0, this.arrived.length, ...this.arrived.filter(({ group }) => group !== number));
    const index = this.groups.findIndex((group) => group.number === number);
    this.groups.splice(index, 1);
    return members.map(({ client, version, visit }) => ({ client, version, visit }));
  }

  takeLate(): readonly OrderName[] {
    return this.late.splice(0);
  }

  held(): readonly OrderName[] {
    return [...this.arrived, ...this.late];
  }

  /** Gives work to who is queued, on the present version. */
  giveOut(now: number): readonly WorkRequest[] {
    return this.#queue.splice(0).map(({ client, group, steps }) => {
      const visit = this.#given.filter((other) => other === client).length;
      this.#given.push(client);
      this.#running.push({ client, version: this.#version, visit, group, steps, began: now });
      return { client, visit, steps };
    });
  }

  #fastest(number: number): number {
    const members = [...this.#running, ...this.#queue, ...this.arrived].filter(({ group }) => group === number);
    return Math.min(...members.map(({ client }) => this.speed(client)));
  }
}

/** No group, in a list of numbers. */
const NONE = -1;

function known(group: number): number | undefined {
  return group === NONE ? undefined : group;
}

/** A list of numbers as rows of so many. */
function rows(list: readonly number[] = [], width: number): number[][] {
  return Array.from({ length: list.length / width }, (_, row) => list.slice(row * width, (row + 1) * width));
}
