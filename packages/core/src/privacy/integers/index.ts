export { roundConditionally, roundedNorm } from "./conditional-rounding.ts";
export {
  type DiscreteMechanism,
  discreteMechanism,
  type IntegerNoise,
  type MechanismDemand,
  USUAL_BIAS,
} from "./discrete-mechanism.ts";
export { decodeSum, type EncodingRandomness, encodeNoisedUpdate } from "./encode.ts";
export { discreteGaussianSumRho, privacyEventOf } from "./privacy-event.ts";
export { paddedSize, rotate, rotateBack } from "./rotation.ts";
