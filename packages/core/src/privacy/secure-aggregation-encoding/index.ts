export { cutShare, decodeIntegers, encodeIntegers, type IntegerSum, integerKeys, rotationKey } from "./encoding.ts";
export {
  INTEGERS,
  type IntegerEncoding,
  integerCount,
  integerRange,
  integerVectors,
  type SecureAggregationSettings,
} from "./settings.ts";
