/**
 * FOT: tasks come one after the other, and the server keeps the updates of later tasks orthogonal to what the layers saw in
 * earlier ones, so that the model still does what it has learned.
 *
 * Citation: Y. F. Bakman, D. N. Yaldiz, Y. H. Ezzeldin, S. Avestimehr, "Federated Orthogonal Training: Mitigating Global
 * Catastrophic Forgetting in Continual Federated Learning", ICLR 2024, arXiv:2309.01289.
 *
 * Update rule:
 *   K times: y <- y - eta * g_i(y);  D_i = y - x;  D = sum_i w_i D_i
 *   for each weight W of D: W <- W - U U^T W;  x <- x + eta_g * D
 *   in the last round of a task, with the inputs X_i [n, a] that a layer sees at x: N_i = X_i - X_i U U^T;
 *     r_i = |N_i| / |X_i|;  Y_i = N_i^T R_i with standard normal numbers R_i [n, c]
 *   after it: Y = mean_i Y_i;  r = sum_i w_i r_i;  U <- QR([U, first left singular vectors of Y]), as few as have more than
 *     (r - (1 - epsilon)) / r of the squared singular values;  epsilon <- epsilon + growth
 *
 * Symbols: x -> parameters -> [d]; U -> basis -> [a, a], the first k columns; Y_i -> sketch -> [a, c]; r_i -> fresh -> [];
 *   c -> sketchColumns -> []; epsilon -> protectedShare -> []; growth -> shareGrowth -> []; eta_g -> serverLearningRate -> []
 * State: server {parameters [d], basis sum of [a, a], round [], basisSize []}; client none.
 * Wire: down d, up d; at the end of each task but the last also down sum of a k, up sum of a c + 1.
 * Differences: inputs are those of the model that the last round of a task begins with. Sketches have 200 columns in place of
 *   a, and no more than a. Biases and normalisation are not projected, so they drift: train without biases, as the released
 *   code does. Weights are those of dense layers alone; other models are refused. Without a stream of tasks it is FedAvg.
 *   What clients send of their inputs is data: no privacy mechanism covers it.
 */
import {
  AnabranchError,
  broadcastTo,
  cond,
  constant,
  div,
  greater,
  matmul,
  maximum,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  transposed,
  where,
} from "@anabranch/engine";
import * as z from "zod";
import {
  endsTask,
  extendBasis,
  type InputBasis,
  projectedUpdate,
  type TaskStream,
  taskOfRound,
} from "../heterogeneity/index.ts";
import { entryView, type Layout, type LayoutEntry, layout } from "../params/layout.ts";
import { copy, type Vector } from "../params/vector.ts";
import type { LocalEnd, ParameterTensors } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import { localSgd, modelDelta } from "./local-sgd.ts";
import { type MethodBody, vectors } from "./method.ts";
import { stepFrom } from "./server.ts";
import { MODEL, ownLayout, SCALAR, uniformMean, weightedMean } from "./shapes.ts";

const NAME = "fot";
const NOTHING = layout([]);
/** Places in `payloads.parts`. */
const [DELTA, SKETCH] = [0, 1];

const options = z.strictObject({
  protectedShare: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.95)
    .describe("share of the length of a task's inputs that later updates leave alone (epsilon)"),
  shareGrowth: z.number().min(0).lt(1).default(0).describe("what each task adds to that share"),
  sketchColumns: z.int().positive().default(200).describe("columns of a client's sketch of inputs, at most"),
  head: z
    .enum(["projected", "free"])
    .default("projected")
    .describe('updates of the last layer: "projected", or "free" where tasks have outputs of their own'),
  serverLearningRate: z.number().positive().default(1).describe("server step on the projected update"),
});
type Options = z.output<typeof options>;
type Stream = Pick<TaskStream, "tasks" | "roundsPerTask">;

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fot } from "@anabranch/core";
 * fot({ protectedShare: 0.9 }).name; // => "fot"
 * ```
 */
export const fot = defineMethod({
  name: NAME,
  options,
  symbols: { epsilon: "protectedShare" },
  build: (given): MethodBody => ({
    ...oneTask(given),
    forTasks: (stream) => ({ name: NAME, options: given, ...manyTasks(given, stream) }),
  }),
});

/** FedAvg. */
function oneTask({ serverLearningRate }: Options): MethodBody {
  return vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } }).method({
    local: localSgd(),
    update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, serverLearningRate, delta) }),
  });
}

function manyTasks(given: Options, stream: Stream): MethodBody {
  const layersOf = (model: Layout) => projectedLayers(model, given);
  const bases = ownLayout((model) => squares(layersOf(model)));
  const sketches = ownLayout((model) => sketchLayout(layersOf(model), given.sketchColumns));
  const ratios = ownLayout((model) => layout(layersOf(model).map((entry) => ({ ...entry, shape: [] }))));
  const isSketched = (round: number) => endsTask(stream, round) && round < stream.tasks * stream.roundsPerTask;
  const body = vectors({
    server: { parameters: MODEL, basis: bases, round: SCALAR, basisSize: SCALAR },
    broadcast: ["parameters", "basis"],
    upload: { delta: weightedMean(MODEL), sketch: uniformMean(sketches), fresh: weightedMean(ratios) },
    parts: (model) => [
      { delta: model, sketch: NOTHING, fresh: NOTHING },
      { delta: model, sketch: sketches.layoutOf(model), fresh: ratios.layoutOf(model) },
    ],
  }).method({
    assign: (_parts, cohort, _key, round) => cohort.map(() => (isSketched(round) ? SKETCH : DELTA)),
    local: {
      ...localSgd<FotBroadcast, Nothing, FotUpdate>({
        result: (parameters, local) => ({
          update: { delta: modelDelta(parameters, local), ...sketchInputs(local, layersOf(local.model), given) },
          state: {},
        }),
      }),
      directions: (model) => ({
        of: "sketch",
        columns: Object.fromEntries(
          layersOf(model).map((entry) => [entry.name, columnsOf(entry, given.sketchColumns)]),
        ),
      }),
    },
    update({ parameters, basis }, { delta, sketch, fresh }, { round, layout: model }) {
      const layers = layersOf(model);
      const allowed = projected(delta, model, basis, layers);
      const task = taskOfRound(stream, round);
      const share = Math.min(given.protectedShare + task * given.shareGrowth, 1);
      const next = isSketched(round) ? extended(basis, layers, { sketch, fresh }, share, given.sketchColumns) : basis;
      return {
        parameters: stepFrom(parameters, given.serverLearningRate, allowed),
        basis: next,
        round,
        basisSize: usedSize(next, layers),
      };
    },
  });
  return {
    ...body,
    // of the basis as many floats as its columns have that are used
    messageTo({ vectors: { basis }, scalars }, { vectors: { parameters } }) {
      if (!isSketched((scalars["round"] ?? 0) + 1)) return { vectors: { parameters: parameters! } };
      return { vectors: { parameters: parameters!, basis: basis!.subarray(0, scalars["basisSize"]) as Vector } };
    },
  };
}

type Nothing = Readonly<Record<string, never>>;
type FotBroadcast = { readonly parameters: ParameterTensors; readonly basis: ParameterTensors };
type FotUpdate = Readonly<Record<"delta" | "sketch" | "fresh", ParameterTensors>>;

/** Weights of dense layers, which are all that a model has beside vectors. Throws `method/layers`. */
function projectedLayers({ entries }: Layout, { head }: Options): readonly LayoutEntry[] {
  const weights = entries.filter(({ shape }) => shape.length > 1);
  const other = weights.find(({ shape, heads }) => shape.length !== 2 || heads !== 1);
  if (other !== undefined) throw notDense(other.name, `[${other.shape.join(", ")}]`);
  return weights.filter(({ role }) => role !== "head" || head === "projected");
}

function notDense(name: string, received: string): AnabranchError {
  return new AnabranchError({
    code: "method/layers",
    message: "the method needs a model of dense layers alone",
    where: `algorithm.name = "${NAME}", parameter ${name}`,
    received,
    expected: "weights [inputs, outputs] that the inputs of a layer are multiplied by",
    advice: 'Choose model.name = "mlp" or "logistic", or another method.',
  });
}

const inputsOf = ({ shape }: LayoutEntry) => shape[0]!;
const columnsOf = (entry: LayoutEntry, most: number) => Math.min(most, inputsOf(entry));

function squares(layers: readonly LayoutEntry[]): Layout {
  return layout(layers.map((entry) => ({ ...entry, shape: [inputsOf(entry), inputsOf(entry)] })));
}

function sketchLayout(layers: readonly LayoutEntry[], most: number): Layout {
  return layout(layers.map((entry) => ({ ...entry, shape: [inputsOf(entry), columnsOf(entry, most)] })));
}

/** Y_i and r_i of every layer; computed in rounds in which they are sent alone. */
function sketchInputs(
  local: LocalEnd<FotBroadcast, Nothing, FotUpdate>,
  layers: readonly LayoutEntry[],
  { sketchColumns }: Options,
): Pick<FotUpdate, "sketch" | "fresh"> {
  if (layers.length === 0) return { sketch: {}, fresh: {} };
  const { broadcast, sent } = local;
  const each = (value: (entry: LayoutEntry) => Tensor): ParameterTensors =>
    Object.fromEntries(layers.map((entry) => [entry.name, value(entry)]));
  return cond(
    greater(sent.sketch[layers[0]!.name]!, 0.5),
    () => {
      const inputs = local.layerInputs(broadcast.parameters);
      const unknown = each(({ name }) => {
        const x = inputs[name];
        if (x === undefined) throw notDense(name, "a weight that is used otherwise");
        const basis = broadcast.basis[name]!;
        return sub(x, matmul(matmul(x, basis), basis, { transposeB: true }));
      });
      return {
        sketch: each(({ name }) => matmul(unknown[name]!, local.directions[name]!, { transposeA: true })),
        fresh: each(({ name }) => ratio(lengthOf(unknown[name]!), lengthOf(inputs[name]!))),
      };
    },
    () => ({
      sketch: each((entry) => zeros([inputsOf(entry), columnsOf(entry, sketchColumns)])),
      fresh: each(() => zeros([])),
    }),
  );
}

const zeros = (shape: readonly number[]): Tensor => broadcastTo(constant(0), shape);
const lengthOf = (x: Tensor): Tensor => sqrt(sum(square(x)));

/** 0 where there are no inputs. */
function ratio(part: Tensor, whole: Tensor): Tensor {
  return where(greater(whole, 0), div(part, maximum(whole, 1e-30)), 0);
}

/** The columns of a padded basis [a, a] that are not zeros. */
function basisOf(entry: LayoutEntry, padded: Vector): InputBasis {
  const inputs = inputsOf(entry);
  const isUsed = (column: number) => padded.some((value, i) => i % inputs === column && value !== 0);
  let rank = 0;
  while (rank < inputs && isUsed(rank)) rank++;
  const values = Float64Array.from(
    { length: inputs * rank },
    (_, i) => padded[Math.floor(i / rank) * inputs + (i % rank)]!,
  );
  return { inputs, rank, vectors: values };
}

/** The change of the model without what acts on known inputs. */
function projected(delta: Vector, model: Layout, bases: Vector, layers: readonly LayoutEntry[]): Vector {
  const allowed = copy(delta);
  const known = squares(layers);
  for (const [i, entry] of layers.entries()) {
    const basis = basisOf(entry, entryView(bases, known.entries[i]!));
    if (basis.rank === 0) continue;
    const place = model.entries.find(({ name }) => name === entry.name)!;
    const [inputs, outputs] = entry.shape as [number, number];
    const rows = { rows: outputs, columns: inputs, values: transposed(entryView(delta, place), inputs, outputs) };
    entryView(allowed, place).set(transposed(projectedUpdate(basis, rows).values, outputs, inputs));
  }
  return allowed;
}

/** The bases after a task. */
function extended(
  bases: Vector,
  layers: readonly LayoutEntry[],
  { sketch, fresh }: Readonly<Record<"sketch" | "fresh", Vector>>,
  share: number,
  most: number,
): Vector {
  const next = copy(bases);
  const [known, sketches] = [squares(layers), sketchLayout(layers, most)];
  for (const [i, entry] of layers.entries()) {
    const padded = entryView(next, known.entries[i]!);
    const [inputs, columns] = [inputsOf(entry), columnsOf(entry, most)];
    const values = Float64Array.from(entryView(sketch, sketches.entries[i]!));
    const summed = { sketch: { rows: inputs, columns, values }, ratio: fresh[i]!, count: 1 };
    const { basis } = extendBasis(basisOf(entry, padded), [summed], share);
    for (let j = 0; j < basis.vectors.length; j++)
      padded[Math.floor(j / basis.rank) * inputs + (j % basis.rank)] = basis.vectors[j]!;
  }
  return next;
}

/** Floats of the columns that are used: these travel. */
function usedSize(bases: Vector, layers: readonly LayoutEntry[]): number {
  const { entries } = squares(layers);
  return layers.reduce((sum, entry, i) => sum + basisOf(entry, entryView(bases, entries[i]!)).vectors.length, 0);
}
