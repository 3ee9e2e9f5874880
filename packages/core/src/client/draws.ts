import {
  AnabranchError,
  type HostTensor,
  mul,
  nn,
  type Program,
  reshape,
  smallest,
  sub,
  type Tensor,
  type TensorTree,
  type TensorType,
  type TypeTree,
} from "@anabranch/engine";
import type { DrawSpec, NumberDraw, ParameterTensors, StepDraws } from "../algorithms/algorithm.ts";
import type { Model } from "../models/model.ts";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { normal } from "../random/distributions.ts";
import { bernoulliBits, deriveKey, type RandomKey, randomStream } from "../random/index.ts";
import type { DirectionDraw } from "../seeded/index.ts";
import { type DrawingClient, directionInputs, directionTypes, stepDirection } from "./direction-draws.ts";
import { inputsOfHead } from "./representations.ts";

/** Randomness that a client half declares, by name. */
export type DrawSpecs = Readonly<Record<string, DrawSpec>>;

/** What filling the inputs needs of a task spec. */
export interface DrawContext {
  readonly program: Pick<Program, "inputs">;
  readonly draws: DrawSpecs;
  readonly float: "float32" | "float64";
}

const PREFIX = "steps/draws/";

/** Share of the steps in which a method that draws numbers looks at them; 1 for the others. */
export function drawnShare(draws: DrawSpecs): number {
  const every = Object.values(draws).map((draw) => (draw.kind === "direction" ? 1 : (draw.every ?? 1)));
  return every.length === 0 ? 1 : 1 / smallest(every);
}

/**
 * Inputs of a program: NAME/ENTRY [K, bytes] of packed signs or [K, ...shape] of normal numbers, NAME [K, B, ...label] of
 * uniform numbers or [K, B, q] of normal ones, NAME/pick and NAME/direction as `directionTypes` has them.
 */
export function drawTypes(draws: DrawSpecs, model: Model, layout: Layout, batch: number): TypeTree {
  const signs = Object.fromEntries(
    layout.entries.map(({ name, size }) => [name, { dtype: "uint8", shape: ["K", Math.ceil(size / 8)] } as TensorType]),
  );
  const uniform: TensorType = { dtype: "float", shape: ["K", batch, ...model.labels.shape] };
  const normals = Object.fromEntries(
    layout.entries.map(({ name, shape }) => [name, { dtype: "float", shape: ["K", ...shape] } as TensorType]),
  );
  const types = {
    ...{ signs, normal: normals, uniform },
    get features(): TensorType {
      return { dtype: "float", shape: ["K", batch, inputsOfHead(model)] };
    },
    get uniformFeatures(): TensorType {
      return this.features;
    },
  };
  const typesOf = (draw: DrawSpec): TypeTree =>
    draw.kind === "direction" ? directionTypes(draw, layout) : types[draw.kind];
  return Object.fromEntries(Object.entries(draws).map(([name, draw]) => [name, typesOf(draw)]));
}

/** The draws of one step as the client half reads them, from the step's slice of the inputs. */
export function stepDraws(draws: DrawSpecs, slice: Readonly<Record<string, TensorTree>>, layout: Layout): StepDraws {
  const drawn = (name: string, kind: DrawSpec["kind"]): TensorTree => {
    if (draws[name]?.kind === kind) return slice[name]!;
    throw new AnabranchError({
      code: "algorithm/draws",
      message: "a local step uses random numbers that its client half does not declare",
      received: `${kind} named "${name}"`,
      expected: Object.entries(draws).map(([known, spec]) => `${spec.kind} "${known}"`).join(", ") || "none", // biome-ignore format: one line
      advice: "Add them to `draws` of the client half.",
    });
  };
  return {
    signs(name) {
      const packed = drawn(name, "signs") as ParameterTensors;
      return Object.fromEntries(layout.entries.map((e) => [e.name, unpackSigns(packed[e.name]!, e.shape)]));
    },
    normal: (name) => drawn(name, "normal") as ParameterTensors,
    uniform: (name) => drawn(name, "uniform") as Tensor,
    features: (name) => drawn(name, "features") as Tensor,
    uniformFeatures: (name) => drawn(name, "uniformFeatures") as Tensor,
    direction: (name) => stepDirection(draws[name] as DirectionDraw, drawn(name, "direction"), layout),
  };
}

/** +1 for bits of 1, -1 for bits of 0. */
function unpackSigns(bits: Tensor, shape: readonly number[]): Tensor {
  const ones = nn.unpackMask(reshape(bits, [1, bits.shape[0]!]), shape, 1);
  return reshape(sub(mul(ones, 2), 1), shape);
}

/**
 * The numbers of K steps for every draw. A step's numbers depend on the key, the name and the step alone, not on which
 * other steps are drawn.
 */
export function drawInputs(
  { program, draws, float }: DrawContext,
  steps: number,
  key: RandomKey,
  of: DrawingClient,
): Record<string, HostTensor> {
  const inputs: Record<string, HostTensor> = {};
  const make = (length: number): Vector => (float === "float64" ? new Float64Array(length) : new Float32Array(length));
  for (const [name, draw] of Object.entries(draws)) {
    if (draw.kind === "direction") {
      const { shape } = program.inputs.find((port) => port.name === `${PREFIX}${name}/direction`)!;
      const drawn = directionInputs(draw, shape[1] as number, steps, deriveKey(key, name), of, make);
      for (const [of, input] of Object.entries(drawn)) inputs[`${PREFIX}${name}/${of}`] = input;
      continue;
    }
    const { kind, every = 1, given }: NumberDraw = draw;
    let offset = 0;
    const own = program.inputs.filter((p) => p.name === PREFIX + name || p.name.startsWith(`${PREFIX}${name}/`));
    for (const port of own) {
      const shape = [steps, ...(port.shape.slice(1) as number[])];
      const size = shape.slice(1).reduce((a, b) => a * b, 1);
      const empty = kind === "signs" ? Uint8Array : float === "float64" ? Float64Array : Float32Array;
      const data = new empty(steps * size);
      for (let step = 0; step < steps; step += every) {
        const stream = randomStream(deriveKey(key, port.name.slice(PREFIX.length), step));
        const values = data.subarray(step * size, (step + 1) * size) as Vector;
        if (given !== undefined) values.set(given[`${of.round}/${of.client}`]![step]!.slice(offset, offset + size));
        else if (kind === "normal" || kind === "features") for (let i = 0; i < size; i++) values[i] = normal(stream);
        else if (kind === "signs") data.set(bernoulliBits(stream, size * 8, 0.5), step * size);
        else fillUniform(values, stream);
      }
      offset += size;
      inputs[port.name] = { dtype: port.dtype, shape, data };
    }
  }
  return inputs;
}

/** Multiples of 2^-24 in [0, 1): exact in float32 too, so 1 is never reached by rounding. */
function fillUniform(values: Vector, stream: ReturnType<typeof randomStream>): void {
  const words = new Uint32Array(values.length);
  stream.uint32s(words);
  for (const [i, word] of words.entries()) values[i] = (word >>> 8) / 2 ** 24;
}
