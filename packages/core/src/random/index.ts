export { bernoulliBits } from "./bernoulli.ts";
export {
  addDirection,
  countOnes,
  type DirectionFamily,
  fillDirection,
  signWords,
} from "./directions.ts";
export { dirichlet, symmetricDirichlet } from "./distributions.ts";
export { deriveKey, type RandomKey, rootKey } from "./key.ts";
export { secureStream } from "./secure-stream.ts";
export { permutation, sampleWithoutReplacement, shuffle } from "./shuffle.ts";
export { randomStream } from "./stream.ts";
export { threefry2x32 } from "./threefry.ts";
export type { RandomStream } from "./word-stream.ts";
