export {
  cutShare,
  decodeIntegers,
  encodeIntegers,
  type IntegerSum,
  integerKeys,
  rotationKey,
  sumsOfMetrics,
} from "./encoding.ts";
export type { MetricSums } from "./metrics.ts";
export {
  INTEGERS,
  type IntegerEncoding,
  integerCount,
  integerRange,
  integerVectors,
  type SecureAggregationSettings,
} from "./settings.ts";
