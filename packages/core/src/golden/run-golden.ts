import { AnabranchError } from "@anabranch/engine";
import * as z from "zod";
import { adapterChoices } from "./adapter-choices.ts";
import { adapterLosses } from "./adapter-losses.ts";
import { aggregateOperation } from "./aggregate.ts";
import { alignmentOperation, graphClientOperation, openWorldOperation } from "./alignment.ts";
import { asyncOperation } from "./async.ts";
import { attackOperation } from "./attack.ts";
import { sketchAttackOperation } from "./attack-sketch.ts";
import { clockOperation } from "./clock.ts";
import { adaptiveTrace, ifcaTrace, ocflTrace } from "./clustered-traces.ts";
import { adaptiveSplitOperation, fusionOperation, oneShotSeries, similarityServer } from "./clustering.ts";
import { codecOperations } from "./codecs.ts";
import { gradientCodeOperation, multiplexedOperation, selectiveRepeatOperation } from "./coding.ts";
import { compressedTraces } from "./compressed-traces.ts";
import { dadaoOperation, hashSampleOperation, mergeViewsOperation } from "./decentralised.ts";
import { dilocoOperation } from "./diloco.ts";
import { distilledImagesOperation, marginLossOperation, stagePartsOperation } from "./distillation.ts";
import { boundOperation, decompositionOperation, disparityOperation, fairnessLimitOperation } from "./fairness.ts";
import {
  augmentationOperation,
  curriculumOperation,
  geometryOperation,
  orthogonalTaskOperation,
  principalServer,
  upSampleOperation,
} from "./feature-stages.ts";
import { fedamdOperation, fedamdTrace } from "./fedamd.ts";
import { fedauOperation } from "./fedau.ts";
import { fedbnPrivate } from "./fedbn.ts";
import { fedcacServer, fedcacTrace } from "./fedcac.ts";
import { fedcompassOperation } from "./fedcompass.ts";
import { fedlexGuidance, fedlexTrace } from "./fedlex.ts";
import { fedpeftTrace } from "./fedpeft.ts";
import { fedrepOperation } from "./fedrep.ts";
import { fzoosOperations } from "./fzoos.ts";
import { gossipOperation, monnaOperation } from "./gossip.ts";
import { gradientInversionOperations } from "./gradient-inversion.ts";
import { placementOperation, treeOperation } from "./hierarchy.ts";
import { loraOperations } from "./lora.ts";
import { modestTrace } from "./modest.ts";
import { notThere, type Operation } from "./operation.ts";
import { operatorOperations } from "./operators.ts";
import {
  dirichletCutOperation,
  embeddingPartitionOperation,
  longTailOperation,
  partitionReportOperation,
} from "./partitions.ts";
import { personalHeads } from "./personal-heads.ts";
import { personalTraces } from "./personal-traces.ts";
import { clipOperation, lambOperation } from "./privacy.ts";
import { rerceOperation } from "./rerce.ts";
import { bristleOperation, rankVoteOperation, reputationOperation } from "./robust.ts";
import { selectionOperation } from "./selection.ts";
import { sketchTrace } from "./sketch.ts";
import { splitTuning } from "./split-tuning.ts";
import { staleConversionOperation, staleUpdateOperation } from "./stale-update.ts";
import { explorationMaskOperation, signOperation, sliceOperation, weightMapOperation } from "./submodels.ts";
import { topologyOperation } from "./topology.ts";
import { zerothOrderOperations } from "./zeroth-order.ts";

/** One golden case: an operation on given numbers. Other keys, such as the expected output, are not read. */
export const goldenCase = z.looseObject({
  operation: z.string(),
  input: z.record(z.string(), z.unknown()),
  options: z.record(z.string(), z.unknown()).default({}),
});

/** What is there so far, by the names of the cases. */
export const operations: Readonly<Record<string, Operation>> = {
  aggregate: aggregateOperation,
  tree: treeOperation,
  placement: placementOperation,
  disparity: disparityOperation,
  "fairness-limit": fairnessLimitOperation,
  "aglfop/bound": boundOperation,
  "aglfop/decomposition": decompositionOperation,
  fedau: fedauOperation,
  fedamd: fedamdOperation,
  "trace/fedamd": fedamdTrace,
  "fedlex/guidance": fedlexGuidance,
  "trace/fedlex": fedlexTrace,
  "fedrep/tiny": fedrepOperation,
  "fedbn/private": fedbnPrivate,
  "fedcac/server": fedcacServer,
  "trace/fedcac": fedcacTrace,
  "trace.streamingDiloco": dilocoOperation,
  "trace.sketch": sketchTrace,
  "trace.fedpeft": fedpeftTrace,
  rerce: rerceOperation,
  async: asyncOperation,
  fedcompass: fedcompassOperation,
  topology: topologyOperation,
  attack: attackOperation,
  "attack.sketch": sketchAttackOperation,
  bristle: bristleOperation,
  "rank-vote": rankVoteOperation,
  reputation: reputationOperation,
  clock: clockOperation,
  selection: selectionOperation,
  "stale-update": staleUpdateOperation,
  "stale-conversion": staleConversionOperation,
  "gradient-code": gradientCodeOperation,
  "sr-sgc": selectiveRepeatOperation,
  "m-sgc": multiplexedOperation,
  gossip: gossipOperation,
  monna: monnaOperation,
  "trace/modest": modestTrace,
  dadao: dadaoOperation,
  "hash-sample": hashSampleOperation,
  "merge-views": mergeViewsOperation,
  "dp/lamb": lambOperation,
  "dp/per-layer-clip": clipOperation,
  ...gradientInversionOperations,
  "trace/ifca": ifcaTrace,
  "trace/ocfl": ocflTrace,
  "trace/adaptive": adaptiveTrace,
  "ocfl/series": oneShotSeries,
  "adaptive/split": adaptiveSplitOperation,
  "knfu/fusion": fusionOperation,
  "fedpub/server": similarityServer,
  "fedpub/client": graphClientOperation,
  "fedd2s/parts": stagePartsOperation,
  "fedld/loss": marginLossOperation,
  "fedld/server": principalServer,
  "fedlgd/losses": distilledImagesOperation,
  "fraug/losses": augmentationOperation,
  "ggeur/stage": geometryOperation,
  "hessian/penalty": alignmentOperation,
  "useful/upsample": upSampleOperation,
  "curriculum/visible": curriculumOperation,
  "fedossl/terms": openWorldOperation,
  "fot/task": orthogonalTaskOperation,
  "partition/dirichlet-cut": dirichletCutOperation,
  "partition/embedding": embeddingPartitionOperation,
  "partition/long-tail": longTailOperation,
  "partition/report": partitionReportOperation,
  "heterofl/aggregate": sliceOperation,
  "hidenseek/round": signOperation,
  "autoflip/round": explorationMaskOperation,
  "fedconv/maps": weightMapOperation,
  ...personalHeads,
  ...personalTraces,
  ...codecOperations,
  ...compressedTraces,
  ...operatorOperations,
  ...loraOperations,
  ...adapterChoices,
  ...adapterLosses,
  ...splitTuning,
  ...zerothOrderOperations,
  ...fzoosOperations,
};

/**
 * The output of a case. Throws `golden/operation` for an operation that is not there, `golden/case` for an input that it
 * cannot read, and what the operation itself refuses.
 *
 * @example
 * ```ts
 * import { runGolden } from "@anabranch/core";
 * const joint = [[[1, 0], [0, 1]]];
 * await runGolden({ operation: "disparity", input: { joint } }); // => { global: 1, local: 1 }
 * ```
 */
export async function runGolden(source: unknown): Promise<object> {
  const parsed = goldenCase.safeParse(source);
  if (!parsed.success) throw unreadable("case", parsed.error);
  const { operation, input, options } = parsed.data;
  const found = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
  if (found === undefined) throw notThere(operation, Object.keys(operations));
  try {
    return await found.run(input, options);
  } catch (error) {
    throw error instanceof z.ZodError ? unreadable(operation, error) : error;
  }
}

function unreadable(where: string, error: z.ZodError): AnabranchError {
  const issue = error.issues[0]!;
  return new AnabranchError({
    code: "golden/case",
    message: "the case cannot be read",
    where: [where, ...issue.path].join("."),
    received: issue.message,
    expected: "an operation with input and options as its format says",
  });
}
