import type { Algorithm, Payloads, Upload } from "../algorithms/algorithm.ts";
import { checkedCompressor, FEEDBACK, keepsEstimate, parseLink, writeLink } from "../compression/index.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { type Vector, zerosLike } from "../params/vector.ts";
import type { DownCompression, UploadCompression } from "../pipeline/index.ts";
import type { ResolvedMethod } from "./resolve-method.ts";

/**
 * How a configuration compresses uploads; undefined: not at all. Throws `config/conflict` for what is not sound, and
 * `compression/...` for operators that cannot be read or combined.
 */
export function configuredCompression(
  { compression, privacy, secureAggregation, aggregation }: Config,
  { algorithm, payloads }: Pick<ResolvedMethod, "algorithm" | "payloads">,
): UploadCompression | undefined {
  const { up: given, vectors, down: _down, downFeedback: _downFeedback, ...rest } = compression;
  requireOwnOperators("compression.up", given, algorithm);
  const up = given.length > 0 ? given : (algorithm.defaultCompression?.up ?? []);
  if (up.length === 0) return ownCompression(algorithm);
  const links = up.map((text) => parseLink(text));
  const compressor = checkedCompressor(links, rest.feedback);
  const refuse = (key: string, value: string, expected: string, advice: string) => {
    if (given.length > 0)
      throw conflict(key, `${value}, with compression.up = ${JSON.stringify(up)}`, expected, advice);
    const received = `${value}, with algorithm.name = "${algorithm.name}", whose uploads travel by ${JSON.stringify(up)}`;
    throw conflict(key, received, expected, advice.replace("Remove compression.up.", "Choose another method."));
  };
  if (algorithm.compression !== undefined) {
    const advice = "What its clients send is small and exact as it is. Remove compression.up.";
    throw conflict("compression.up", `${JSON.stringify(up)}, with algorithm.name = "${algorithm.name}"`, "[]", advice);
  }
  if (privacy.mechanism !== "none") {
    const advice = "A decoded update may exceed the clip norm, and epsilon would be false. Remove compression.up.";
    refuse("privacy.mechanism", JSON.stringify(privacy.mechanism), '"none"', advice);
  }
  if (secureAggregation.protocol !== "none" && !(compressor.traits.linear && rest.feedback === "none")) {
    const advice =
      "Compressed bytes of different clients cannot be added, but for linear operators without feedback: count-sketch, srht and rand-k.";
    refuse("secureAggregation.protocol", JSON.stringify(secureAggregation.protocol), '"none"', advice);
  }
  if (rest.feedback !== "none" && payloads.parts !== undefined) {
    const advice = 'Feedback is made for whole vectors: set compression.feedback = "none".';
    refuse(
      "algorithm.name",
      `"${algorithm.name}", whose clients send parts`,
      "a method that sends whole vectors",
      advice,
    );
  }
  if (keepsEstimate(rest) && aggregation.weighting !== "uniform") {
    const advice = "The server's estimate is the plain mean over all clients.";
    refuse("aggregation.weighting", JSON.stringify(aggregation.weighting), '"uniform"', advice);
  }
  const settings = { ...rest, up: links, vectors: compressedVectors(vectors, algorithm, payloads) };
  for (const name of settings.vectors) requireCompressible(name, settings, algorithm, payloads);
  return settings;
}

/** Refuses operators in place of those that a method needs. */
function requireOwnOperators(key: string, given: readonly string[], { name, defaultCompression }: Algorithm): void {
  if (given.length === 0 || defaultCompression?.isFixed !== true) return;
  const advice = `What it leaves out travels as zeros already, and others would add their own. Remove ${key}.`;
  throw conflict(key, `${JSON.stringify(given)}, with algorithm.name = "${name}"`, "[]", advice);
}

/** How the uploads of a method travel by themselves; undefined: as floats. */
export function ownCompression({ compression }: Pick<Algorithm, "compression">): UploadCompression | undefined {
  if (compression === undefined) return undefined;
  return { ...compression, scope: "model", feedback: "none", momentum: 0, nesterov: false, masking: true };
}

/** The vector of a broadcast that is compressed. */
const MODEL = "parameters";

/** How a configuration compresses broadcasts; undefined: not at all. Throws as `configuredCompression`. */
export function configuredDown(
  { compression: { down: given, downFeedback, scope }, schedule, privacy }: Config,
  { algorithm, payloads }: Pick<ResolvedMethod, "algorithm" | "payloads">,
): DownCompression | undefined {
  requireOwnOperators("compression.down", given, algorithm);
  const down = given.length > 0 ? given : (algorithm.defaultCompression?.down ?? []);
  if (down.length === 0) return undefined;
  const operators = down.map((text) => parseLink(text, "compression.down"));
  checkedCompressor(operators, downFeedback, "down");
  const refuse = (key: string, value: string, expected: string, advice: string) => {
    throw conflict(key, `${value}, with compression.down = ${JSON.stringify(down)}`, expected, advice);
  };
  if (payloads.replay !== undefined || algorithm.messageTo !== undefined) {
    const advice = "What its clients are sent depends on what they keep. Remove compression.down.";
    refuse("algorithm.name", `"${algorithm.name}"`, "a method whose model travels", advice);
  }
  if (!Object.hasOwn(payloads.broadcast, MODEL) || payloads.own?.includes(MODEL) === true) {
    const advice = "Its clients are not all given one model. Remove compression.down.";
    refuse("algorithm.name", `"${algorithm.name}"`, "a method that sends one model to all clients", advice);
  }
  if (algorithm.privacy?.unit === "records" && privacy.mechanism !== "none") {
    const advice = "Its sensitivity counts on the model that the server has. Remove compression.down.";
    refuse("algorithm.name", `"${algorithm.name}"`, "a method whose noise protects clients", advice);
  }
  if (schedule.compensation > 0) {
    const advice = "Compensation needs the model that a client started from. Remove compression.down.";
    refuse("schedule.compensation", `${schedule.compensation}`, "0", advice);
  }
  const waits = schedule.name === "synchronous" || (schedule.name === undefined && !isAsynchronous(algorithm));
  if (downFeedback !== "none" && !waits) {
    const advice = 'Clients are on different versions. Set compression.downFeedback = "none".';
    refuse("schedule.name", schedule.name ?? `of ${algorithm.name}`, '"synchronous"', advice);
  }
  return { operators, scope, feedback: downFeedback, vectors: [MODEL] };
}

function isAsynchronous({ buffer, schedule }: Algorithm): boolean {
  return buffer !== undefined || schedule !== undefined;
}

/** For people: the operators on the model that goes down. */
export function describeDown({ operators, scope, feedback }: DownCompression): string {
  const place = scope === "layer" ? ", layer by layer" : "";
  const kept = feedback === "none" ? "" : ", as differences to a replica (ef21)";
  return `${operators.map(writeLink).join(", then ")} on the model that goes down${place}${kept}`;
}

/** For people: the operators, by what they act on, and the feedback. */
export function describeCompression({ up, scope, feedback, vectors }: UploadCompression): string {
  const operators = up.map(writeLink).join(", then ");
  const place = scope === "layer" ? ", layer by layer" : "";
  return `${operators} on ${vectors.join(", ")}${place}${feedback === "none" ? "" : `, with ${feedback}`}`;
}

/** The method with what the configuration's compression adds to its server half. Throws as `configuredCompression`. */
export function compressedMethod(config: Config, resolved: ResolvedMethod) {
  const compression = configuredCompression(config, resolved);
  const down = configuredDown(config, resolved);
  return { method: withEstimates(resolved, compression), compression, down };
}

/** The vectors that are named, or the one that is the change of the model. */
function compressedVectors(
  named: readonly string[] | undefined,
  { name, sendsModels = false }: Algorithm,
  { upload }: Payloads,
): readonly string[] {
  const all = Object.keys(upload).filter((vector) => upload[vector]!.statistics !== true);
  const unknown = named?.find((vector) => !all.includes(vector));
  if (unknown !== undefined) {
    const advice = "Name vectors that the method's clients send.";
    throw conflict("compression.vectors", `"${unknown}", with algorithm.name = "${name}"`, all.join(", "), advice);
  }
  if (named !== undefined) return named;
  if (all.includes("delta")) return ["delta"];
  if (all.length === 1 && !sendsModels) return all;
  const received = `omitted, with algorithm.name = "${name}", whose clients send ${all.join(", ")}`;
  throw conflict(
    "compression.vectors",
    received,
    "the vectors to compress",
    "Name the vectors that may lose precision.",
  );
}

function requireCompressible(
  vector: string,
  settings: UploadCompression,
  { name }: Algorithm,
  { upload }: Payloads,
): void {
  const { codec, aggregation, classStatistics } = upload[vector]!;
  const refuse = (why: string, advice: string) => {
    throw conflict(
      "compression.vectors",
      `"${vector}" of algorithm.name = "${name}", ${why}`,
      "another vector",
      advice,
    );
  };
  if (classStatistics === true) refuse("which are statistics", "Statistics travel as they are: remove compression.up.");
  if (codec !== undefined) refuse("which has a codec of its own", "Switch the light upload off, or leave it out.");
  if (keepsEstimate(settings) && (aggregation === "sum" || aggregation === "each")) {
    refuse(
      `which is ${aggregation === "sum" ? "added up" : "not averaged"}`,
      `With feedback = "${settings.feedback}" the server estimates a mean.`,
    );
  }
}

/**
 * The server half of EF21 and EF21+: what arrives is the change of each client's estimate, so the server adds the sum over
 * the cohort, divided by all clients, to its own, and gives that to the method as the mean. Other feedback needs nothing.
 */
export function withEstimates<M extends Pick<ResolvedMethod, "algorithm" | "payloads">>(
  method: M,
  compression: UploadCompression | undefined,
): M {
  if (compression === undefined || !keepsEstimate(compression)) return method;
  const { vectors } = compression;
  const { algorithm, payloads } = method;
  const upload = mapEntries(payloads.upload, (name, given): Upload => {
    return vectors.includes(name) ? { ...given, aggregation: "sum" } : given;
  });
  const estimating: Algorithm = {
    ...algorithm,
    payloads: () => ({ ...payloads, upload }),
    init(parameters, model) {
      const start = algorithm.init(parameters, model);
      // in float64, so that the estimate does not drift away from those of the clients
      const zeros = vectors.map((name): [string, Vector] => {
        return [FEEDBACK + name, new Float64Array(payloads.upload[name]!.layout.size)];
      });
      return { ...start, vectors: { ...start.vectors, ...Object.fromEntries(zeros) } };
    },
    broadcast: (state, scalars, round) => algorithm.broadcast(own(state), scalars, round),
    update(state, aggregate, round) {
      const estimates = vectors.map((name): [string, Vector] => {
        const sum = aggregate[name]!;
        const before = state.vectors[FEEDBACK + name]!;
        return [name, Float64Array.from(before, (value, i) => value + sum[i]! / round.population)];
      });
      const means = estimates.map(([name, estimate]): [string, Vector] => {
        const mean = zerosLike(aggregate[name]!);
        mean.set(estimate);
        return [name, mean];
      });
      const next = algorithm.update(own(state), { ...aggregate, ...Object.fromEntries(means) }, round);
      const kept = estimates.map(([name, estimate]) => [FEEDBACK + name, estimate] as const);
      return { ...next, vectors: { ...next.vectors, ...Object.fromEntries(kept) } };
    },
  };
  return { ...method, algorithm: estimating, payloads: { ...payloads, upload } };

  function own<S extends Parameters<Algorithm["update"]>[0]>(state: S): S {
    const entries = Object.entries(state.vectors).filter(([name]) => !name.startsWith(FEEDBACK));
    return { ...state, vectors: Object.fromEntries(entries) };
  }
}

function mapEntries<T>(record: Readonly<Record<string, T>>, change: (name: string, value: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(name, value)]));
}
