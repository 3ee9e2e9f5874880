import type { Initializer } from "@anabranch/engine";
import { deriveKey, type RandomKey, type RandomStream, randomStream } from "../random/index.ts";
import { entryView, layout, type ParameterSpecLike } from "./layout.ts";

/** A parameter with its initial distribution; a model's `ParameterSpec` fits. */
export interface InitializableSpec extends ParameterSpecLike {
  readonly initialize: Initializer;
}

/**
 * Initial parameters [d] in canonical order. `key` belongs to the purpose "init". Every parameter draws from a stream of its own,
 * keyed by its name, so that adding, removing or reordering parameters never changes the others.
 *
 * @example
 * ```ts
 * import { initialParameters, logistic, rootKey } from "@anabranch/core";
 * const { parameters } = logistic({ input: [4], classes: 2 });
 * initialParameters(parameters, rootKey(1)).length; // => 10
 * ```
 */
export function initialParameters(specs: readonly InitializableSpec[], key: RandomKey): Float32Array {
  const { entries, size } = layout(specs);
  const initializers = new Map(specs.map((spec) => [spec.name, spec.initialize]));
  const parameters = new Float32Array(size);
  for (const entry of entries) {
    const stream = randomStream(deriveKey(key, entry.name));
    fill(entryView(parameters, entry), initializers.get(entry.name)!, stream);
  }
  return parameters;
}

function fill(view: Float32Array, initialize: Initializer, stream: RandomStream): void {
  switch (initialize.kind) {
    case "zeros":
      return;
    case "ones":
      view.fill(1);
      return;
    case "uniform":
      for (let i = 0; i < view.length; i++) view[i] = (2 * stream.float() - 1) * initialize.limit;
      return;
    case "normal":
      for (let i = 0; i < view.length; i++) view[i] = stream.normal() * initialize.deviation;
  }
}
