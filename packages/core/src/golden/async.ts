import * as z from "zod";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { fedasync } from "../algorithms/fedasync.ts";
import { fedbuff } from "../algorithms/fedbuff.ts";
import type { OrderDuration } from "../clock/index.ts";
import { buffered, type Schedule, stalenessForms } from "../schedule/index.ts";
import { traceFederation } from "../simulation/trace-federation.ts";
import { notThere, type Operation } from "./operation.ts";
import { localProblem } from "./quadratic-problem.ts";

const durations = z.union([z.number().positive(), z.array(z.number().positive()).min(1)]);
const arrivalOf = z.strictObject({ client: z.int().min(0), version: z.int().min(0) });
const inputOf = z
  .strictObject({
    ...localProblem,
    arrivals: z.array(arrivalOf).min(1).optional(),
    clock: z.strictObject({ durations: z.array(durations).min(1), serverSteps: z.int().positive() }).optional(),
  })
  .refine(({ arrivals, clock }) => (arrivals === undefined) !== (clock === undefined), "needs arrivals or a clock");
type Input = z.infer<typeof inputOf>;

const stalenessOf = z
  .strictObject({
    name: z.enum(stalenessForms),
    a: z.number().min(0).default(0.5),
    b: z.number().min(0).default(4),
  })
  .default({ name: "polynomial", a: 0.5, b: 4 });
const shared = { staleness: stalenessOf, maxStaleness: z.int().min(0).optional() };
const optionsOf = z.discriminatedUnion("name", [
  z.strictObject({ ...shared, name: z.literal("fedasync"), alpha: z.number(), rho: z.number().min(0).default(0) }),
  z.strictObject({
    ...shared,
    name: z.literal("fedbuff"),
    bufferSize: z.int().positive(),
    serverLearningRate: z.number().positive().default(1),
    serverMomentum: z.number().min(0).lt(1).default(0),
  }),
]);
type Options = z.infer<typeof optionsOf>;

/** `rounds`: global parameters after each step of the server; `staleness` of its updates; `times`; `events`: all arrivals. */
export const asyncOperation: Operation = {
  async run(input, given) {
    const { arrivals, clock, ...problem } = inputOf.parse(input);
    const named = z.looseObject({ name: z.string().optional() }).parse(given);
    if (named.name !== "fedasync" && named.name !== "fedbuff") throw notThere(`async with ${named.name}`);
    const options = optionsOf.parse(given);
    const log = new ArrivalLog();
    const schedule = log.watch(scheduleOf(options, problem.a.length));
    const run =
      clock === undefined
        ? scripted(schedule, arrivals!, log, stepsOf(options, arrivals!))
        : { schedule, durations: byVisit(clock.durations), steps: clock.serverSteps };
    const cohorts = Array.from({ length: run.steps }, () => []);
    const asynchronous = { schedule: run.schedule, durations: run.durations };
    const { rounds } = await traceFederation(methodOf(options), { ...problem, cohorts, asynchronous });
    const { staleness, times, events } = log;
    return clock === undefined ? { rounds, staleness } : { rounds, staleness, times, events };
  },
};

function methodOf(options: Options): Algorithm {
  if (options.name === "fedasync") return fedasync({ mixing: options.alpha, proximalStrength: options.rho });
  return fedbuff({ serverMomentum: options.serverMomentum, serverLearningRate: options.serverLearningRate });
}

function scheduleOf({ staleness, maxStaleness, ...options }: Options, clients: number): Schedule {
  const { name: form, a: rate, b: grace } = staleness;
  const buffer = options.name === "fedbuff" ? options.bufferSize : 1;
  return buffered({ buffer, concurrency: clients, staleness: { form, rate, grace, most: maxStaleness } });
}

/** Microseconds by client and visit. */
function byVisit(given: NonNullable<Input["clock"]>["durations"]): OrderDuration {
  const visits = given.map(() => 0);
  return (client) => {
    const own = given[client]!;
    const seconds = typeof own === "number" ? own : own[visits[client]!++ % own.length]!;
    return Math.round(seconds * 1e6);
  };
}

/** The schedule with work given out so that it arrives in a given order, one arrival a second. */
function scripted(schedule: Schedule, arrivals: readonly z.infer<typeof arrivalOf>[], log: ArrivalLog, steps: number) {
  const places = new Map<string, number>();
  const settled = new Set<number>();
  const script: Schedule = {
    ...schedule,
    settle(state, { round }) {
      const fresh = arrivals.flatMap(({ client, version }, place) =>
        version === round - 1 ? [{ client, place }] : [],
      );
      if (settled.has(round)) return { state, requests: [], complete: false };
      settled.add(round);
      const requests = fresh.map(({ client, place }, i) => {
        const visit = fresh.slice(0, i).filter((other) => other.client === client).length;
        places.set(`${client}/${round}/${visit}`, place);
        return { client, visit };
      });
      return { state, requests, complete: false };
    },
  };
  const durations: OrderDuration = (client, version, visit) =>
    (places.get(`${client}/${version}/${visit}`)! + 1) * 1e6 - log.now;
  return { schedule: script, durations, steps };
}

/** Steps of the server that arrivals come to. */
function stepsOf(options: Options, arrivals: readonly z.infer<typeof arrivalOf>[]): number {
  const buffer = options.name === "fedbuff" ? options.bufferSize : 1;
  const { maxStaleness = Number.POSITIVE_INFINITY } = options;
  let [steps, waiting] = [0, 0];
  for (const { version } of arrivals) {
    if (steps - version <= maxStaleness) waiting++;
    if (waiting < buffer) continue;
    steps++;
    waiting = 0;
  }
  return steps;
}

/** What a schedule is told. */
class ArrivalLog {
  readonly staleness: number[][] = [];
  readonly times: number[] = [];
  readonly events: { time: number; client: number; baseVersion: number; staleness: number }[] = [];
  now = 0;
  #folded: number[] = [];

  watch(schedule: Schedule): Schedule {
    return {
      ...schedule,
      arrived: (state, arrival) => {
        const step = schedule.arrived(state, arrival);
        const { client, staleness } = arrival;
        this.now = arrival.time;
        const time = arrival.time / 1e6;
        this.events.push({ time, client, baseVersion: this.times.length - staleness, staleness });
        if (step.fold) this.#folded.push(staleness);
        if (step.complete) {
          this.times.push(time);
          this.staleness.push(this.#folded);
          this.#folded = [];
        }
        return step;
      },
    };
  }
}
