import type { Config } from "./schema.ts";

/** The section [model], by what its keys are for. */
export interface ModelSection {
  readonly name: string;
  readonly file: string | undefined;
  /** The file with the initial weights. */
  readonly initialWeights: string | undefined;
  /** How that file is read. */
  readonly reading: {
    readonly layout: Config["model"]["initialWeightsLayout"];
    readonly match: Config["model"]["initialWeightsMatch"];
    readonly names: Config["model"]["initialWeightsNames"];
  };
  /** Options of the model itself. */
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * Takes the section [model] apart.
 *
 * @example
 * ```ts
 * import { modelSection, resolveConfig } from "@anabranch/core";
 * const { model } = resolveConfig({ model: { name: "mlp", hidden: [32] } });
 * modelSection(model).options; // => { hidden: [32] }
 * ```
 */
export function modelSection(model: Config["model"]): ModelSection {
  const {
    name,
    file,
    initialWeights,
    initialWeightsLayout: layout,
    initialWeightsMatch: match,
    initialWeightsNames: names,
    ...options
  } = model;
  return { name, file, initialWeights, reading: { layout, match, names }, options };
}
