import type { Tensor, TensorTree } from "@anabranch/engine";
import { isRecord } from "../config/contract.ts";
import type { Layout } from "../params/layout.ts";
import { type Vector, zerosLike } from "../params/vector.ts";
import type {
  Algorithm,
  ClientHalf,
  Local,
  ParameterTensors,
  Payloads,
  ServerState,
  TracedVectors,
  Upload,
} from "./algorithm.ts";
import { checkHalves, checkVectors } from "./check-declaration.ts";
import { checkValues } from "./check-values.ts";
import type { MethodBody, MethodHalves, MethodVectors } from "./method-halves.ts";
import { layoutOf, present, type ServerShapes, type ServerValues, type Shapes, type UploadShape } from "./shapes.ts";

/**
 * A method as the round loop knows it: every vector by its name, the server's numbers apart from its vectors, a number on
 * the wire as a layout of one entry. What `start`, `compute` and `update` return must be the declared vectors.
 *
 * Throws `method/...` where the declaration is not one, as `checkVectors` and `checkHalves`.
 */
export function erasedMethod(vectors: MethodVectors, halves: MethodHalves): MethodBody {
  checkVectors(vectors);
  checkHalves(vectors, halves);
  const { server, computed = {} } = vectors;
  const down = { ...picked(server, vectors.broadcast), ...computed };
  const { assign, defaultCompression, countsSteps, wholePopulation, buffer, schedule, sendsModels, gossip } = halves;
  const { trains, adapts, personal, frozen, splitTraining, ownModel, served, adaptation, widths } = halves;
  return {
    payloads: (model) => payloadsOf(vectors, down, model),
    init(parameters, model) {
      const given = halves.start?.(parameters, model) ?? {};
      checkValues({ by: "start", source: "server", shapes: server, partial: true }, given, model);
      const start = { ...startOf(server, parameters, model), ...given };
      return stateFrom(server, start, { vectors: { parameters }, scalars: {} });
    },
    client: erasedClient(halves.local as unknown as ClientHalf, down, vectors.client ?? {}, shapesOf(vectors.upload)),
    broadcast(state, { clipNorm }, round) {
      const values = valuesFrom(server, state);
      const made = halves.compute?.(values, { round, clipNorm }) ?? {};
      checkValues({ by: "compute", source: "computed", shapes: computed }, made);
      return vectorsOf(down, { ...values, ...made }, state.vectors.parameters);
    },
    update(state, aggregate, round) {
      const uploads = Object.entries(shapesOf(vectors.upload)).map(([name, shape]) => {
        const vector = aggregate[name];
        return [name, shape?.kind === "scalar" ? vector?.[0] : vector];
      });
      const next = halves.update(valuesFrom(server, state), Object.fromEntries(uploads), round);
      checkValues({ by: "update", source: "server", shapes: server }, next, round.layout);
      return stateFrom(server, next, state);
    },
    ...(assign === undefined ? {} : { assign }),
    ...(defaultCompression === undefined ? {} : { defaultCompression }),
    ...(countsSteps === undefined ? {} : { countsSteps }),
    ...(wholePopulation === undefined ? {} : { wholePopulation }),
    ...(buffer === undefined ? {} : { buffer }),
    ...(schedule === undefined ? {} : { schedule }),
    ...(sendsModels === undefined ? {} : { sendsModels }),
    ...(gossip === undefined ? {} : { gossip }),
    ...(trains === undefined ? {} : { trains }),
    ...(adapts === undefined ? {} : { adapts }),
    ...(personal === undefined ? {} : { personal }),
    ...(frozen === undefined ? {} : { frozen }),
    ...(splitTraining === undefined ? {} : { splitTraining }),
    ...(ownModel === undefined ? {} : { ownModel }),
    ...(served === undefined ? {} : { served }),
    ...(adaptation === undefined ? {} : { adaptation }),
    ...(widths === undefined ? {} : { widths }),
    ...privacyOf(halves, server),
  };
}

type Values = Readonly<Record<string, Vector | number | undefined>>;

function picked(shapes: Shapes, names: readonly string[] | undefined): Shapes {
  if (names === undefined) return shapes;
  return Object.fromEntries(names.map((name) => [name, shapes[name]]));
}

function shapesOf(uploads: Readonly<Record<string, UploadShape>>): Shapes {
  return Object.fromEntries(Object.entries(uploads).map(([name, { shape }]) => [name, shape]));
}

function layoutsOf(shapes: Shapes, model: Layout): Record<string, Layout> {
  return Object.fromEntries(present(shapes).map(([name, shape]) => [name, layoutOf(name, shape, model)]));
}

function payloadsOf({ client = {}, upload, parts }: MethodVectors, down: Shapes, model: Layout): Payloads {
  const uploads = Object.entries(layoutsOf(shapesOf(upload), model)).map(([name, layout]): [string, Upload] => {
    const { aggregation, drift, places, classStatistics, codec } = upload[name]!;
    const options = Object.entries({ drift, places, classStatistics, codec }).filter(
      ([, value]) => value !== undefined,
    );
    return [name, { layout, aggregation, ...Object.fromEntries(options) }];
  });
  return {
    broadcast: layoutsOf(down, model),
    upload: Object.fromEntries(uploads),
    clientState: layoutsOf(client, model),
    ...(parts === undefined ? {} : { parts: parts(model) }),
  };
}

function startOf(server: Shapes, parameters: Vector, model: Layout): Values {
  const values = present(server).map(([name, shape]) => {
    if (shape.kind === "scalar") return [name, 0];
    return [name, name === "parameters" ? parameters : zerosLike(parameters, layoutOf(name, shape, model).size)];
  });
  return Object.fromEntries(values);
}

/** What the server half sees of a state. */
function valuesFrom(server: Shapes, { vectors, scalars }: ServerState): ServerValues<ServerShapes> {
  const values = present(server).map(([name, { kind }]) => [name, kind === "scalar" ? scalars[name] : vectors[name]]);
  return Object.fromEntries(values);
}

/** The state of what a server half returns; numbers that are not the method's own stay. */
function stateFrom(server: Shapes, values: Values, { scalars, vectors }: ServerState): ServerState {
  // a number on the server is the number that clients receive
  const rounded = vectors.parameters instanceof Float32Array ? Math.fround : (value: number) => value;
  const all = present(server).map(([name]) => [name, values[name]] as const);
  const numbers = all.filter((entry): entry is [string, number] => typeof entry[1] === "number");
  return {
    vectors: Object.fromEntries(all.filter(([, value]) => typeof value !== "number")) as ServerState["vectors"],
    scalars: { ...scalars, ...Object.fromEntries(numbers.map(([name, value]) => [name, rounded(value)])) },
  };
}

function vectorsOf(shapes: Shapes, values: Values, like: Vector): Record<string, Vector> {
  const vectors = present(shapes).map(([name]) => {
    const value = values[name];
    return [name, typeof value === "number" ? zerosLike(like, 1).fill(value) : value];
  });
  return Object.fromEntries(vectors);
}

function privacyOf({ privacy }: MethodHalves, server: Shapes): Pick<Algorithm, "privacy"> {
  if (privacy === undefined) return {};
  const { unit } = privacy;
  const clipNorm: NonNullable<Algorithm["privacy"]>["clipNorm"] = (state, configured, round) =>
    privacy.clipNorm!(valuesFrom(server, state), configured, round);
  return {
    privacy: {
      ...(unit === undefined ? {} : { unit }),
      ...(privacy.clipNorm === undefined ? {} : { clipNorm }),
    },
  };
}

/** A client half whose scalars are tensors, over vectors that hold them as their only entry. */
function erasedClient(half: ClientHalf, down: Shapes, client: Shapes, upload: Shapes): ClientHalf {
  const seen = <L extends Local>(local: L): L => ({
    ...local,
    broadcast: opened(down, local.broadcast),
    state: opened(client, local.state),
    sent: opened(upload, local.sent),
  });
  return {
    ...half,
    ...(half.penalty && { penalty: (batch, local) => half.penalty!(batch, seen(local)) }),
    begin: (local, settings) => half.begin(seen(local), settings),
    step: (carry, local, settings) => half.step(carry, seen(local), settings),
    end(carry: TensorTree, local) {
      const result = half.end(carry, seen(local));
      if (!isRecord(result)) return result;
      return { ...result, update: closed(upload, result.update), state: closed(client, result.state) };
    },
  };
}

const isScalar = (shapes: Shapes, name: string) => shapes[name]?.kind === "scalar";

function opened(shapes: Shapes, vectors: TracedVectors): TracedVectors {
  const each = Object.entries(vectors).map(([name, tensors]) => [
    name,
    isScalar(shapes, name) ? tensors[name]! : tensors,
  ]);
  return Object.fromEntries(each);
}

/** Vectors that do not exist are dropped; names that were never declared stay, to be refused by name. */
function closed(shapes: Shapes, vectors: Readonly<Record<string, ParameterTensors | Tensor>>): TracedVectors {
  if (!isRecord(vectors)) return vectors;
  const kept = Object.entries(vectors).filter(([name]) => shapes[name] !== undefined || !Object.hasOwn(shapes, name));
  return Object.fromEntries(
    kept.map(([name, value]) => [name, (isScalar(shapes, name) ? { [name]: value } : value) as ParameterTensors]),
  );
}
