import { type Config, resolveConfig } from "@anabranch/core";

/** What can stand between a client's update and the server. */
export const defenceNames = ["plain", "compressed", "private", "secure"] as const;
export type DefenceName = (typeof defenceNames)[number];

/** A training protocol that is audited in place of the configured one. */
export interface ProtocolChange {
  readonly localSteps?: number | undefined;
  readonly batchSize?: number | undefined;
}

/**
 * The configuration with one defence and no other: as it has it where it has it, else with usual settings (1 % of the
 * entries; noise of the server with z = 1 at clip norm 1; SecAgg).
 */
export function withDefence(config: Config, name: DefenceName): Config {
  const { compression, privacy, secureAggregation, ...rest } = structuredClone(config);
  const { clipNorm: _clip, weighting: _weighting, ...aggregation } = rest.aggregation;
  const { name: sampler, ...selection } = rest.sampler;
  const isPrivate = name === "private";
  const base = {
    ...rest,
    aggregation,
    // Poisson sampling comes with [privacy], and goes with it
    sampler: isPrivate === (privacy.mechanism !== "none") ? { ...selection, name: sampler } : selection,
  };
  switch (name) {
    case "plain":
      return resolveConfig(base);
    case "compressed":
      return resolveConfig({
        ...base,
        compression: compression.up.length > 0 ? compression : { up: ["top-k density=0.01"] },
      });
    case "private":
      return resolveConfig({
        ...base,
        privacy:
          privacy.mechanism === "gaussian" ? privacy : { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1 },
      });
    case "secure":
      return resolveConfig({
        ...base,
        secureAggregation: secureAggregation.protocol === "none" ? { protocol: "bonawitz" } : secureAggregation,
      });
  }
}

/** The configuration with other local steps or another batch size. */
export function withProtocol(config: Config, { localSteps, batchSize }: ProtocolChange): Config {
  const { localEpochs, ...training } = structuredClone(config.training);
  return resolveConfig({
    ...structuredClone(config),
    training: {
      ...training,
      ...(localSteps === undefined ? (training.localSteps === undefined ? { localEpochs } : {}) : { localSteps }),
      ...(batchSize === undefined ? {} : { batchSize }),
    },
  });
}
