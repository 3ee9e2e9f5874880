export { cutShare, decodeIntegers, encodeIntegers, type IntegerSum, integerKeys, rotationKey } from "./encoding.ts";
export {
  INTEGERS,
  type IntegerEncoding,
  integerCount,
  integerRange,
  integerVectors,
  type SecureSumSettings,
} from "./settings.ts";
