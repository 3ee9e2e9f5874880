export { cutShare, decodeIntegers, encodeIntegers } from "./encoding.ts";
export {
  INTEGERS,
  type IntegerEncoding,
  integerCount,
  integerRange,
  integerVectors,
  type SecureSumSettings,
} from "./settings.ts";
