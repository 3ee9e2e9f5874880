/**
 * FedPipe: every class of devices is given the largest batch, rank and number of bits that fit its memory and the deadline.
 *
 * Citation: Z. Fang et al., "Automated Federated Pipeline for Parameter-Efficient Fine-Tuning of Large Language Models", 2024,
 * arXiv:2404.06448, section 4.3. The few candidates are all tried, where the paper solves an integer program. Its first
 * stage, which weights get adapters, is in `weight-selection.ts`; here these are `adapters.targets`.
 */
import { AnabranchError, compileProgram, type Tensor, trace } from "@anabranch/engine";
import { type Candidate, chooseForDevice, type StorageBits, storedBytes, storedWeights } from "../adapters/index.ts";
import type { Algorithm, ParameterTensors } from "../algorithms/algorithm.ts";
import { compileLocalTask } from "../client/local-task.ts";
import { taskFlops } from "../client/task-flops.ts";
import { dataTypes } from "../client/task-types.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import type { Model } from "../models/index.ts";
import { entryTypes, entryView, type Layout, layout as layoutFrom, subLayout } from "../params/layout.ts";
import type { ParameterSplit } from "../params/standing.ts";
import { copy, type Vector } from "../params/vector.ts";
import { ofRank, type RankTier, type SubModel } from "../submodels/index.ts";

/** What the clients of a run train with. */
export interface DeviceChoices {
  readonly tiers: readonly RankTier[];
  tierOf(client: number): number;
  /** Part of the time of a client's device that its choice takes; of the one that an order names, where it names one. */
  work(client: number, part?: number): number;
  /** For people. */
  readonly text: string;
}

/** A way to train, and what part of the FLOPs of the largest one it takes. */
interface Costed extends Candidate {
  readonly bits: StorageBits;
  readonly work: number;
}

/** Seconds and memory of a class of devices; undefined: without limit. */
export interface Device {
  readonly seconds: number | undefined;
  readonly memory: number | undefined;
}

const MEGABYTE = 1e6;
const FLOAT_BYTES = 4;

/**
 * The choice of every client, from `devices.times` and `devices.memory`. Throws `config/conflict`, and `adapters/device` where
 * nothing fits a device.
 */
export function deviceChoices(
  config: Config,
  algorithm: Algorithm,
  model: Model,
  split: ParameterSplit,
  ranks: readonly number[],
): DeviceChoices {
  const devices = deviceClasses(config);
  const costed = candidates(config, algorithm, model, split, ranks);
  const bits = new Map<StorageBits, RankTier["frozen"]>([[32, undefined]]);
  const storage = (count: StorageBits) => {
    if (!bits.has(count)) bits.set(count, (values, layout) => inStorage(values, layout, model, count));
    return bits.get(count);
  };
  const chosen = devices.map((device, i) => choiceFor(costed, device, config.schedule.deadline, i));
  return {
    tiers: chosen.map(({ rank, batch, bits }) => ({ rank, batchSize: batch, frozen: storage(bits) })),
    tierOf: (client) => client % devices.length,
    work: (client) => chosen[client % devices.length]!.work,
    text: described(chosen),
  };
}

/** As many as it takes until both lists begin anew. Throws `config/conflict` for times that are drawn. */
export function deviceClasses({ adapters, devices, training }: Config): readonly Device[] {
  const { speed, seconds, times, memory = [] } = devices;
  const { controller } = adapters;
  if (speed !== "none" && speed !== "equal" && speed !== "list")
    throw conflict(
      "adapters.controller",
      `"${controller}", with devices.speed = "${speed}"`,
      'devices.speed = "list"',
      "Choices are made before the run, for known devices: name their seconds in devices.times.",
    );
  if (training.localSteps === undefined)
    throw conflict(
      "adapters.controller",
      `"${controller}", with training.localEpochs = ${training.localEpochs}`,
      "training.localSteps",
      "The time of a choice is that of a number of steps: set training.localSteps in place of localEpochs.",
    );
  const of = (list: readonly number[], i: number) => (list.length === 0 ? undefined : list[i % list.length]!);
  const listed = speed === "list" ? times : speed === "equal" ? [seconds] : [];
  const count = leastCommonMultiple(Math.max(1, listed.length), Math.max(1, memory.length));
  return Array.from({ length: count }, (_, i) => ({ seconds: of(listed, i), memory: of(memory, i) }));
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return (a / x) * b;
}

/** Time is in parts of that of the largest batch and rank, memory in bytes. */
function candidates(
  { adapters, training }: Config,
  algorithm: Algorithm,
  model: Model,
  split: ParameterSplit,
  ranks: readonly number[],
): Costed[] {
  const { batches = [training.batchSize], bits = [32] } = adapters;
  const flops = (rank: number, batch: number) =>
    flopsOf(algorithm, ofRank(model, split, rank), split, { ...training, batchSize: batch });
  const most = flops(Math.max(...ranks), Math.max(...batches));
  const floats = floatsOfExample(model);
  const distinct = <T>(values: readonly T[]) => [...new Set(values)];
  return distinct(ranks).flatMap((rank) => {
    const trained = ofRank(model, split, rank).layout.size;
    // values, gradients and momentum
    const copies = training.momentum > 0 ? 3 : 2;
    return distinct(batches).flatMap((batch) => {
      const work = flops(rank, batch) / most;
      const moving = FLOAT_BYTES * (copies * trained + batch * floats);
      return distinct(bits).map((count): Costed => {
        return { batch, rank, bits: count, work, time: work, memory: moving + frozenBytes(model, split, count) };
      });
    });
  });
}

/** Of a client's task on a model, whose parameters that do not travel are called as those of `split`. */
export function flopsOf(
  algorithm: Algorithm,
  { model, layout }: SubModel,
  split: ParameterSplit,
  training: Config["training"],
): number {
  const whole = layoutFrom(model.parameters);
  const payloads = algorithm.payloads(layout, training);
  const settings = { ...training, loss: undefined, curriculum: undefined };
  const still = new Set(split.frozen.entries.map(({ name }) => name));
  const own = { ...split, whole, shared: layout, frozen: subLayout(whole, ({ name }) => still.has(name)) };
  const { program } = compileLocalTask(algorithm, model, payloads, settings, own);
  const { flopsPerTask, flopsPerStep } = taskFlops({ program, draws: algorithm.client.draws ?? {} });
  return flopsPerTask + training.localSteps! * flopsPerStep;
}

/** Adapted weights are stored in few bits, all others as floats. */
function frozenBytes({ adapters }: Model, { frozen }: ParameterSplit, bits: StorageBits): number {
  const adapted = new Set(adapters!.pairs.map(({ weight }) => weight));
  return frozen.entries.reduce((sum, { name, size }) => sum + storedBytes(size, adapted.has(name) ? bits : 32), 0);
}

function inStorage(values: Vector, layout: Layout, { adapters }: Model, bits: StorageBits): Vector {
  const adapted = new Set(adapters!.pairs.map(({ weight }) => weight));
  const stored = copy(values);
  for (const entry of layout.entries)
    if (adapted.has(entry.name)) entryView(stored, entry).set(storedWeights(entryView(values, entry), bits));
  return stored;
}

/** Floats that the forward pass of one example makes, all of which the backward pass may need. */
function floatsOfExample(model: Model): number {
  const { graph } = compileProgram(
    "forward",
    trace(
      ({ parameters, features }) => ({ out: model.forward(parameters as ParameterTensors, features as Tensor, {}) }),
      { parameters: entryTypes(layoutFrom(model.parameters)), features: dataTypes(model, "N").features },
    ),
  );
  const shapes = graph.nodes.flatMap(({ outputs }) => outputs.map(({ shape }) => shape));
  const ofExamples = shapes.filter((shape) => shape.includes("N"));
  return ofExamples.reduce(
    (sum, shape) => sum + shape.reduce<number>((n, dim) => n * (dim === "N" ? 1 : Number(dim)), 1),
    0,
  );
}

function choiceFor(costed: readonly Costed[], { seconds, memory }: Device, deadline: number | undefined, i: number) {
  // as the clock rounds
  const microseconds = (time: number) => Math.max(1, Math.round(time * Math.round((seconds ?? 0) * 1e6)));
  const timed = costed.map((one) => ({ ...one, time: microseconds(one.work) }));
  const limits = {
    memory: memory === undefined ? Number.POSITIVE_INFINITY : memory * MEGABYTE,
    deadline: deadline === undefined ? Number.POSITIVE_INFINITY : Math.round(deadline * 1e6),
  };
  const choice = chooseForDevice(timed, limits);
  if (choice !== undefined) return choice;
  const least = (of: (one: Candidate) => number) => Math.min(...timed.map(of));
  const needs = [
    ...(memory === undefined ? [] : [`${megabytes(least((one) => one.memory))} or more`]),
    ...(deadline === undefined ? [] : [`${least((one) => one.time) / 1e6} s or more`]),
  ];
  throw new AnabranchError({
    code: "adapters/device",
    message: "no batch, rank and number of bits fit a device",
    where: `the device of client ${i}`,
    received: `${memory === undefined ? "no limit of memory" : megabytes(limits.memory)}, deadline ${deadline ?? "none"}`,
    expected: `candidates take ${needs.join(" and ")}`,
    advice:
      "Add smaller values to adapters.batches, adapters.rank or adapters.bits, or raise devices.memory or schedule.deadline.",
  });
}

const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e4) / 100} MB`;

/** Choices that a text lists at most. */
const MOST_LISTED = 8;

function described(chosen: readonly Costed[]): string {
  const listed = chosen
    .slice(0, MOST_LISTED)
    .map(({ batch, rank, bits }) => `batch ${batch}, rank ${rank}, ${bits} bits`);
  const rest = chosen.length > MOST_LISTED ? [`${chosen.length - MOST_LISTED} more`] : [];
  const whose = chosen.length === 1 ? "every client" : `by client number modulo ${chosen.length}`;
  return `fedpipe, ${whose}: ${[...listed, ...rest].join("; ")}`;
}
