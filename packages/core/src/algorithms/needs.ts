/** What methods ask of a run beside their vectors. */
import type { Selectors } from "../params/standing.ts";

/** Local work: whole passes over a client's examples, or a number of local steps. */
export type PersonalWork = { readonly localEpochs: number } | { readonly localSteps: number };

/** Parameters that the clients of a method keep to themselves, beside the shared ones that its halves know. */
export interface PersonalParameters {
  /** Which, unless the configuration says so in `parameters.personal`. */
  readonly layers: Selectors;
  /** True: a model that has no parameters of these roles shares all of them. Default: such a model is refused. */
  readonly ifPresent?: boolean;
  /**
   * "together": each local step moves them, too. Otherwise they train first, by themselves, for so long, and stay as they are in
   * the local steps of the method. Default "together".
   */
  readonly train?: "together" | PersonalWork;
  /** Where some train first, which of the personal ones: local steps move the others. Default: all. */
  readonly first?: Selectors;
  /** Those of them that each client draws for itself at its first visit, standard normal. Default: none. */
  readonly drawn?: Selectors;
  /** Bound of the gradient by which local steps move personal parameters, over all of them. Default: none. */
  readonly clip?: number | undefined;
}

/** Chains of compression operators, as a configuration writes them. */
export interface DefaultCompression {
  readonly up?: readonly string[];
  readonly down?: readonly string[];
  /** True: they are part of the method, and a configuration cannot set others. */
  readonly isFixed?: boolean;
}

/** How nodes without a server pick the cohort of a round. */
export interface NodeSampling {
  /** Nodes that average. */
  readonly aggregators: number;
  /** Part of the cohort's models that each of them waits for. */
  readonly successFraction: number;
  /** Rounds without a sign of life after which a node is left out. */
  readonly activityWindow: number;
}

/** Columns of numbers by name, drawn in rounds in which the client sends some of the vector `of`. */
export interface DirectionsByExample {
  readonly of: string;
  readonly columns: Readonly<Record<string, number>>;
}
