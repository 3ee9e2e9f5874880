import type { GroupLimits } from "./group-assignment.ts";
import { GroupBook, type Running } from "./group-book.ts";
import type { OrderName, Return, RoundStart, Schedule, ScheduleState, Step } from "./schedule.ts";
import { type StalenessRule, stalenessFactor } from "./staleness.ts";

export interface ArrivalGroupsOptions extends GroupLimits {
  /** mu: weight of the newest observation in the estimate of a client's speed. */
  readonly speedMomentum: number;
  readonly staleness: StalenessRule;
  /** Receives what is assigned, for tests and traces. */
  readonly onAssign?: (assigned: { time: number; client: number; group: number; steps: number }) => void;
}

/**
 * Arrival groups: slow clients do few local steps and fast clients many, so that the members of a group arrive together.
 *
 * Citation: Z. Li, P. Chaturvedi, S. He, H. Chen, G. Singh, V. Kindratenko, E. A. Huerta, K. Kim, R. Madduri, "FedCompass:
 * Efficient Cross-Silo Federated Learning on Heterogeneous Client Devices using a Computing Power Aware Scheduler", ICLR
 * 2024, arXiv:2309.14675.
 *
 * All clients train all the time, at first `maxSteps` steps each. A first arrival is a round of its own and shows how fast
 * its client is. From then on a client belongs to a group. A group's round takes the updates of its members when all are
 * back, or at its latest time, if any is; an update that comes later waits for the next round of a group. Whose update was
 * taken is assigned again, the fastest first.
 *
 * @example arrivalGroups({ minSteps: 20, maxSteps: 100, latestFactor: 1.5, speedMomentum: 0.9, staleness })
 */
export function arrivalGroups(options: ArrivalGroupsOptions): Schedule {
  const read = (state: ScheduleState) => new GroupBook(state, options);
  return {
    name: "arrival-groups",
    initial: {},
    open: (state, start) => beginRound(read(state), start),
    returned: (state, order) => takeReturn(read(state), order),
    waiting: (state) => read(state).held(),
    arrived(state, { failed, staleness }) {
      const book = read(state);
      book.taking--;
      const factor = failed ? 0 : stalenessFactor(options.staleness, staleness);
      return { ...stepOf(book, { complete: book.taking === 0 }), fold: factor > 0, factor };
    },
    timer(state, name, time) {
      const [book, number] = [read(state), Number(name.slice(TIMER.length))];
      return book.hasArrived(number) ? endGroup(book, number, time / 1e6) : stepOf(book);
    },
    settle(state, { population, time }) {
      const book = read(state);
      if (!book.hasBegun) book.begin(population, options.maxSteps);
      const requests = book.giveOut(time / 1e6);
      return stepOf(book, { requests });
    },
  };
}

/** The clock of a round is its own, so timers of groups that wait are set again. */
function beginRound(book: GroupBook, { round, time }: RoundStart): Step {
  book.beginRound(round);
  return stepOf(book, { timers: timersOf(book.groups.filter(({ latest }) => microseconds(latest) >= time)) });
}

function takeReturn(book: GroupBook, order: Return): Step {
  const now = order.time / 1e6;
  const running = book.takeRunning(order);
  book.observe(running, now);
  if (running.group === undefined) {
    book.taking = 1;
    book.assign(order.client, now);
    return stepOf(book, { take: [nameOf(running)] });
  }
  const group = book.groups.find(({ number }) => number === running.group);
  if (group === undefined || now > group.latest) {
    book.late.push(nameOf(running));
    book.assign(order.client, now);
    return stepOf(book);
  }
  book.arrived.push({ ...nameOf(running), group: group.number });
  return book.isAnyoneOut(group.number) ? stepOf(book) : endGroup(book, group.number, now);
}

function stepOf(book: GroupBook, change: Partial<Step> = {}): Step {
  const timers = timersOf(book.takeNewGroups());
  return { state: book.state(), requests: [], complete: false, timers, ...change };
}

/** Ends a group: the late updates before it and those of its members are taken, and the members are assigned again. */
function endGroup(book: GroupBook, number: number, now: number): Step {
  const members = book.takeArrived(number);
  const take = [...book.takeLate(), ...members];
  book.taking = take.length;
  const bySpeed = members.toSorted((a, b) => book.speed(a.client) - book.speed(b.client) || a.client - b.client);
  for (const { client } of bySpeed) book.assign(client, now);
  return stepOf(book, { take });
}

const TIMER = "group/";

function timersOf(
  groups: readonly { readonly number: number; readonly latest: number }[],
): NonNullable<Step["timers"]> {
  return groups.map(({ number, latest }) => ({ name: `${TIMER}${number}`, at: microseconds(latest) }));
}

function microseconds(seconds: number): number {
  return Math.round(seconds * 1e6);
}

function nameOf({ client, version, visit }: Running): OrderName {
  return { client, version, visit };
}
