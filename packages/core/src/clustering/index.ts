export { adaptiveSplit, reptileStep, type Split, type SplitRule } from "./adaptive-split.ts";
export { assign } from "./assignment.ts";
export { cosineDistances, type Distances, distancesAmong, meanPairDistance } from "./distances.ts";
export { averageLinkage, cutToClusters, type Merge, numbered } from "./linkage.ts";
export { mixed, normalisedRows } from "./mixing-rule.ts";
export { clusteringTemperature, type OneShotVerdict, oneShotClusters } from "./one-shot.ts";
export { functionalSimilarity, fusionWeights } from "./similarity.ts";
