import * as z from "zod";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { asyncFedavg } from "../algorithms/async-fedavg.ts";
import { fedasync } from "../algorithms/fedasync.ts";
import { fedbuff } from "../algorithms/fedbuff.ts";
import { fedfix } from "../algorithms/fedfix.ts";
import type { OrderDuration } from "../clock/index.ts";
import {
  arrivalWeights,
  buffered,
  clientWeightings,
  type Schedule,
  stalenessForms,
  ticks,
  tickWeights,
} from "../schedule/index.ts";
import { traceFederation } from "../simulation/trace-federation.ts";
import { ArrivalLog } from "./arrival-log.ts";
import { notThere, type Operation } from "./operation.ts";
import { localProblem } from "./quadratic-problem.ts";
import { scripted, scriptedArrival, stepsOf } from "./scripted-arrivals.ts";

/** Seconds by client, or by client and visit (repeated from the start). */
export const durationsOf = z.array(z.union([z.number().positive(), z.array(z.number().positive()).min(1)])).min(1);
type Durations = z.infer<typeof durationsOf>;

const inputOf = z
  .strictObject({
    ...localProblem,
    arrivals: z.array(scriptedArrival).min(1).optional(),
    clock: z.strictObject({ durations: durationsOf, serverSteps: z.int().positive() }).optional(),
  })
  .refine(({ arrivals, clock }) => (arrivals === undefined) !== (clock === undefined), "needs arrivals or a clock");

export const stalenessOf = z
  .strictObject({
    name: z.enum(stalenessForms),
    a: z.number().min(0).default(0.5),
    b: z.number().min(0).default(4),
  })
  .default({ name: "polynomial", a: 0.5, b: 4 });
const stale = { staleness: stalenessOf, maxStaleness: z.int().min(0).optional() };
const weighed = {
  weighting: z.enum(clientWeightings),
  weights: z.array(z.number().positive()).optional(),
  serverLearningRate: z.number().positive().default(1),
};
const optionsOf = z.discriminatedUnion("name", [
  z.strictObject({ ...stale, name: z.literal("fedasync"), alpha: z.number(), rho: z.number().min(0).default(0) }),
  z.strictObject({
    ...stale,
    name: z.literal("fedbuff"),
    bufferSize: z.int().positive(),
    serverLearningRate: z.number().positive().default(1),
    serverMomentum: z.number().min(0).lt(1).default(0),
  }),
  z.strictObject({ ...weighed, name: z.literal("async-fedavg") }),
  z.strictObject({ ...weighed, name: z.literal("fedfix"), period: z.number().positive() }),
]);
type Options = z.infer<typeof optionsOf>;
const names = optionsOf.options.map(({ shape }) => shape.name.value);

/** `rounds`: global parameters after each step of the server; `staleness` of its updates; `times`; `events`: all arrivals. */
export const asyncOperation: Operation = {
  async run(input, given) {
    const { arrivals, clock, ...problem } = inputOf.parse(input);
    const named = z.looseObject({ name: z.string().optional() }).parse(given);
    if (!names.some((name) => name === named.name)) throw notThere(`async with ${named.name}`, names);
    const options = optionsOf.parse(given);
    const log = new ArrivalLog();
    const schedule = log.watch(scheduleOf(options, problem.a.length, clock?.durations));
    const asynchronous =
      clock === undefined ? scripted(schedule, arrivals!, log) : { schedule, durations: byVisit(clock.durations) };
    const { maxStaleness = Number.POSITIVE_INFINITY } = "staleness" in options ? options : {};
    const steps = clock?.serverSteps ?? stepsOf(arrivals!, bufferOf(options), maxStaleness);
    const cohorts = Array.from({ length: steps }, () => []);
    const { rounds } = await traceFederation(methodOf(options), { ...problem, cohorts, asynchronous });
    const { members, times, events } = log;
    // a tick adds its updates in the order of the clients, whoever was first
    const listed = options.name === "fedfix" ? members.map((step) => step.toSorted(([a], [b]) => a - b)) : members;
    const staleness = listed.map((step) => step.map(([, age]) => age));
    return clock === undefined ? { rounds, staleness } : { rounds, staleness, times, events };
  },
};

function methodOf(options: Options): Algorithm {
  switch (options.name) {
    case "fedasync":
      return fedasync({ mixing: options.alpha, proximalStrength: options.rho });
    case "fedbuff":
      return fedbuff({ serverMomentum: options.serverMomentum, serverLearningRate: options.serverLearningRate });
    case "fedfix":
      return fedfix({ serverLearningRate: options.serverLearningRate });
    case "async-fedavg":
      return asyncFedavg({ serverLearningRate: options.serverLearningRate });
  }
}

function bufferOf(options: Options): number {
  return options.name === "fedbuff" ? options.bufferSize : 1;
}

function scheduleOf(options: Options, clients: number, durations: Durations | undefined): Schedule {
  if (options.name === "fedbuff" || options.name === "fedasync") {
    const { maxStaleness, staleness } = options;
    const { name: form, a: rate, b: grace } = staleness;
    const rule = { form, rate, grace, most: maxStaleness };
    return buffered({ buffer: bufferOf(options), concurrency: clients, staleness: rule });
  }
  const { weighting, weights } = options;
  const known = { times: timesOf(durations, weighting, clients), importance: sharesOf(weights, clients) };
  if (options.name === "fedfix") {
    const period = Math.round(options.period * 1e6);
    const factors = tickWeights(weighting, known, period);
    return ticks({ period, concurrency: clients, weight: (client) => factors[client]! });
  }
  const factors = arrivalWeights(weighting, known);
  return buffered({
    buffer: 1,
    concurrency: clients,
    staleness: { form: "constant", rate: 0, grace: 0 },
    weight: (client) => factors[client]!,
  });
}

/** Microseconds by client: the mean of those that change from visit to visit. */
function timesOf(durations: Durations | undefined, weighting: string, clients: number): number[] {
  if (durations === undefined) {
    if (weighting === "identical") return Array.from({ length: clients }, () => 1);
    throw notThere("unbiased weights without a clock");
  }
  return durations.map((own) => {
    const seconds = typeof own === "number" ? own : own.reduce((sum, value) => sum + value, 0) / own.length;
    return Math.round(seconds * 1e6);
  });
}

function sharesOf(weights: readonly number[] | undefined, clients: number): number[] {
  if (weights === undefined) return Array.from({ length: clients }, () => 1 / clients);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** Microseconds by client and visit, times the local steps of an order where `perStep`. */
export function byVisit(given: Durations, perStep = false): OrderDuration {
  const visits = given.map(() => 0);
  return (client, _version, _visit, start) => {
    const own = given[client]!;
    const seconds = typeof own === "number" ? own : own[visits[client]!++ % own.length]!;
    return Math.round(seconds * (perStep ? start!.steps! : 1) * 1e6);
  };
}
