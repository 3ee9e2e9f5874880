import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { initialParameters } from "../params/initialize.ts";
import { layout } from "../params/layout.ts";
import { partOf } from "../params/standing.ts";
import type { Vector } from "../params/vector.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import type { ResolvedMethod } from "./resolve-method.ts";

/**
 * A method whose server has several models, with random weights for each where it asks for them: model 0 starts where the
 * run does. Throws `config/conflict` for more clusters than clients. Other methods stay as they are.
 */
export function withClusterStarts(config: Config, method: ResolvedMethod, clients: number): ResolvedMethod {
  const { algorithm, model } = method;
  const { count, starts } = algorithm.clusters ?? { count: 1, starts: "common" };
  if (count > clients) throw tooMany(count, clients);
  if (starts === "common" || count === 1) return method;
  const whole = layout(model.parameters);
  const fresh = Array.from({ length: count - 1 }, (_, j) => {
    const values = initialParameters(model.parameters, deriveKey(rootKey(config.seed), "init", j + 1));
    return partOf(whole, values, method.layout);
  });
  const like = (values: Vector, parameters: Vector) =>
    parameters instanceof Float64Array ? Float64Array.from(values) : values;
  return {
    ...method,
    algorithm: {
      ...algorithm,
      init: (parameters, shared) =>
        algorithm.init(parameters, shared, [parameters, ...fresh.map((values) => like(values, parameters))]),
    },
  };
}

function tooMany(clusters: number, clients: number) {
  return conflict(
    "algorithm.clusters",
    `${clusters}, with data.clients = ${clients}`,
    `at most ${clients}`,
    "Every cluster needs a client: lower algorithm.clusters, or raise data.clients.",
  );
}
