export { cutShare, decodeIntegers, encodeIntegers } from "./encoding.ts";
export {
  INTEGERS,
  type IntegerEncoding,
  integerCount,
  integerVectors,
  largestInteger,
  type SecureSumSettings,
} from "./settings.ts";
