export { AnabranchError } from "@anabranch/engine";
export * from "./adapters/index.ts";
export { type AttackEntry, attacks } from "./adversary/options.ts";
export * from "./aggregation/index.ts";
export type * from "./algorithms/algorithm.ts";
export { modelBlocks } from "./algorithms/blocks.ts";
export { defineMethod, type Method, type MethodDefinition } from "./algorithms/define-method.ts";
export { localSgd, modelDelta } from "./algorithms/local-sgd.ts";
export { vectors } from "./algorithms/method.ts";
export { buildMethod } from "./algorithms/method-options.ts";
export * from "./algorithms/methods.ts";
export type * from "./algorithms/needs.ts";
export { optimizerSteps } from "./algorithms/optimizer-steps.ts";
export { combine } from "./algorithms/parameter-tensors.ts";
export type * from "./algorithms/public-training.ts";
export { algorithms, createAlgorithm, unknownMethod } from "./algorithms/registry.ts";
export { combineVectors, heavyBall, meanGradient, nesterov, stepFrom } from "./algorithms/server.ts";
export { MODEL, ownLayout, SCALAR, sum, uniformMean, weightedMean } from "./algorithms/shapes.ts";
export * from "./audit/index.ts";
export * from "./blackbox/index.ts";
export { type LocalBudget, planBatches, stepCount } from "./client/batches.ts";
export type { FederatedGraph } from "./client/client-graph.ts";
export { type ClientDataSource, type DataSpec, evaluationRanges, openDataSource } from "./client/data-source.ts";
export { describeFailure } from "./client/describe-failure.ts";
export { type EvaluationSpec, evaluateRange } from "./client/evaluate.ts";
export { compileEvaluation } from "./client/evaluation-task.ts";
export { compileLocalTask } from "./client/local-task.ts";
export { type ClientData, type ClientOutcome, type ClientTask, runClient, type TaskSpec } from "./client/run-client.ts";
export { exchangedBytes, type SplitExchange } from "./client/split-exchange.ts";
export * from "./client/split-session.ts";
export { type DeviceTrace, parseDeviceTrace, VirtualClock } from "./clock/index.ts";
export * from "./clustering/index.ts";
export * from "./codecs/index.ts";
export * from "./coding/index.ts";
export {
  type CompressionLink,
  type CompressionSettings,
  compressorOf,
  decodePayload,
  encodePayload,
  type MeasuredCompression,
  measureCompression,
  parseLink,
  writeLink,
} from "./compression/index.ts";
export type { Origin } from "./config/contract.ts";
export * from "./config/index.ts";
export * from "./data/index.ts";
export { runGolden } from "./golden/index.ts";
export {
  type DadaoEvent,
  dadao,
  type MixingConstants,
  type Models,
  mix,
  mixingConstants,
  modelOf,
  modelsOf,
  nearestRows,
  optimisedProbabilities,
} from "./gossip/index.ts";
export * from "./heterogeneity/index.ts";
export * from "./metrics/fairness/index.ts";
export type { Probe } from "./metrics/flatness.ts";
export * from "./models/index.ts";
export * from "./operators/index.ts";
export { ANY_VALUE, optionReferences, toolReferences } from "./option-references.ts";
export { optionUse, usesOfSystem } from "./option-uses.ts";
export * from "./params/index.ts";
export {
  type Aggregator,
  feedbackState,
  hasVersionBefore,
  largestUpdate,
  messageLayouts,
  type PipelineSettings,
  type PipelineSpec,
  type ServerPipeline,
  serverPipeline,
  travelsAsTrained,
} from "./pipeline/index.ts";
export * from "./privacy/accounting/index.ts";
export {
  type DiscreteMechanism,
  decodeSum,
  discreteMechanism,
  encodeNoisedUpdate,
  type IntegerNoise,
  paddedSize,
  privacyEventOf,
} from "./privacy/integers/index.ts";
export * from "./privacy/mechanisms/index.ts";
export type { SecureAggregationProtocol } from "./privacy/secure-aggregation/protocol.ts";
export type { SecureAggregationSettings } from "./privacy/secure-aggregation-encoding/index.ts";
export * from "./protocol/index.ts";
export * from "./random/index.ts";
export { references } from "./references.ts";
export type * from "./round/backend.ts";
export * from "./round/blob-store.ts";
export {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  type RunTotals,
  type UnfinishedWork,
} from "./round/checkpoint.ts";
export {
  BEST_CHECKPOINT,
  checkpointName,
  type FoundCheckpoint,
  newestCheckpoint,
  resumePoint,
} from "./round/checkpoint-store.ts";
export * from "./round/client-state.ts";
export { failsForTrouble, firstSentence, isAway, stopsForTrouble } from "./round/divergence.ts";
export { addSums, testSums } from "./round/evaluation-sums.ts";
export {
  EVENT_VERSION,
  type EventOf,
  type RunEvent,
  type RunEventBody,
  type RunEventType,
  renderEvent,
  runEventSchemas,
  stampEvent,
} from "./round/events.ts";
export * from "./round/lenient-events.ts";
export { memoryClientStates, requireKind } from "./round/memory-client-states.ts";
export { parseEvent } from "./round/parse-event.ts";
export { hasPersonalModels, personalModel } from "./round/personal-models.ts";
export { runFederation } from "./round/run.ts";
export { hasEnded } from "./round/run-ending.ts";
export { byRound, foldEvents, type RunHistory, RunHistoryFold } from "./round/run-history.ts";
export type { RoundRecord, RunPlan, RunPorts, RunResult } from "./round/run-plan.ts";
export { type RunStatus, runStatuses, statusAfter } from "./round/run-status.ts";
export { sentBytes } from "./round/sent-bytes.ts";
export { servedModel } from "./round/served-model.ts";
export { formatEpsilon, type Spent, scopeText, spentBy, spentText, testNote } from "./round/spent.ts";
export type { FailedEnd, Trouble } from "./round/trouble.ts";
export { keepsParameters, wholeModel } from "./round/whole-model.ts";
export { type Schedule, type ScheduleState, synchronous } from "./schedule/index.ts";
export { dealParts } from "./selection/deal-parts.ts";
export { drawWeighted } from "./selection/draw-weighted.ts";
export {
  allocationSampler,
  poissonSampler,
  type Sampler,
  scriptedSampler,
  uniformSampler,
} from "./selection/sampler.ts";
export { type OpenAdapter, openAdapter } from "./simulation/adapter.ts";
export { baselineConfig } from "./simulation/baseline.ts";
export {
  type ClassActivations,
  type ClassActivator,
  mapOverlap,
  openClassActivator,
} from "./simulation/class-activation.ts";
export { areaUnderCurve, type ClassMetrics, classMetrics } from "./simulation/class-metrics.ts";
export { type ClassifiedPoints, prepareProblem, type TracedProblem } from "./simulation/classified-points.ts";
export { type Federation, openFederation } from "./simulation/federation.ts";
export { forLiveClients } from "./simulation/for-live-clients.ts";
export { inProcessSimulation } from "./simulation/in-process.ts";
export type { InitialWeights } from "./simulation/initial-weights.ts";
export { f1ByClass, type OpenJudge, openJudge } from "./simulation/judge.ts";
export { predictTest, type TestPredictions } from "./simulation/predictions.ts";
export { type ExecutorIdentity, type PreparedRun, prepareRun } from "./simulation/prepare.ts";
export { type OpenProbe, openProbe } from "./simulation/probe.ts";
export { type OpenTrainer, openPublicTrainer } from "./simulation/public-trainer.ts";
export { prepareQuadratics, type Quadratics } from "./simulation/quadratics.ts";
export type { CustomParts } from "./simulation/resolve-method.ts";
export { clientsForSum } from "./simulation/secure-aggregation.ts";
export { simulatedSecureAggregation } from "./simulation/simulated-secure-aggregation.ts";
export type { SimulationSpec } from "./simulation/simulation-spec.ts";
export {
  type Conversion,
  type ConversionSettings,
  convertStaleUpdate,
  type StaleTraining,
} from "./simulation/stale-conversion.ts";
export { type FederationTrace, recording, traceFederation } from "./simulation/trace-federation.ts";
export { traceProblem, traceQuadratics } from "./simulation/trace-quadratics.ts";
export * from "./submodels/index.ts";
export { jsonText, printable } from "./text/printable.ts";
export { type Edge, type Graph, graphOf } from "./topology/graph.ts";
export { lambdaOf } from "./topology/spectrum.ts";
export { type Mixing, mixingOf, type Topology } from "./topology/topology.ts";
export { mixingRows, type SparseRow, type WeightRule } from "./topology/weights.ts";
export { VERSION } from "./version.ts";
