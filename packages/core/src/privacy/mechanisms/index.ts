export { nextClipNorm, updateNoiseMultiplier } from "./adaptive-clip.ts";
export { clipUpdate, jointNorm, layerBounds } from "./clip.ts";
export { discreteGaussianSampler } from "./discrete-gaussian-sampler.ts";
export { addGaussian, noisePath } from "./gaussian.ts";
export {
  type AdaptiveClipping,
  CLIP_NORM,
  type Clipping,
  type MechanismSettings,
  type NoiseDistribution,
  type NoisePlace,
  type RandomSource,
  UNCLIPPED,
} from "./settings.ts";
export { skellamSampler } from "./skellam.ts";
