export { BLOCK_GRAPH, type BlockGraphSettings, blockGraph } from "./block-graph.ts";
export {
  type ArrayDataset,
  checkDataset,
  exampleCount,
  exampleSize,
  selectRows,
  selectTensorRows,
} from "./dataset.ts";
export { jensenShannon, relativeEntropy, symmetricDivergences } from "./divergence.ts";
export { type FederatedDataset, federate, partitionLabels } from "./federated.ts";
export type { DealtGraph } from "./graph-partition.ts";
export { datasetHash, partitionHash } from "./hash.ts";
export { type Holdout, splitHoldout } from "./holdout.ts";
export { imageQuestions, type QuestionSettings } from "./image-questions.ts";
export { instructions } from "./instructions.ts";
export { type Clusters, kMeans } from "./k-means.ts";
export { type NeighbourGraphSettings, neighbourGraph } from "./neighbour-graph.ts";
export { ofOwners } from "./owners.ts";
export type { Partition, PartitionContext, Partitioner } from "./partition.ts";
export { gini, meanDivergence, type PartitionReport, partitionReport } from "./partition-report.ts";
export * from "./partitioners/index.ts";
export { populationStatistics, type SyntheticPopulation, syntheticPopulation } from "./population.ts";
export { type QuestionFamily, questionFamilies } from "./question-grammar.ts";
export * from "./readers/index.ts";
export { adjacencyOf, type NodeNeighbours, type RowGraph } from "./row-graph.ts";
export { type ShiftSettings, shiftClients, shiftKinds } from "./shift.ts";
export {
  type AssetReader,
  assetUrl,
  FASHION_MNIST_CLASSES,
  loadFashionMnist10k,
  loadShippedDataset,
  loadTinyShakespeare,
  SHIPPED_DATASETS,
  type ShippedDatasetName,
  TEST_NODES,
} from "./shipped.ts";
export { splitAtRandom, splitByClass, splitGroupTails, type TestRows, type TrainTest } from "./split.ts";
export { type PartitionStatistics, partitionStatistics } from "./statistics.ts";
export {
  type SyntheticKeys,
  type SyntheticSpec,
  syntheticClient,
  syntheticDataset,
  syntheticKeys,
} from "./synthetic.ts";
export * from "./tables/index.ts";
export type { StreamSettings, TaskStream } from "./task-stream.ts";
export { transposeImages } from "./transpose.ts";
export type { UnlabelledSettings } from "./unlabelled.ts";
