export { bernoulliBits } from "./bernoulli.ts";
export { dirichlet, symmetricDirichlet } from "./distributions.ts";
export { deriveKey, type RandomKey, rootKey } from "./key.ts";
export { secureStream } from "./secure-stream.ts";
export { permutation, sampleWithoutReplacement, shuffle } from "./shuffle.ts";
export { type RandomStream, randomStream } from "./stream.ts";
export { threefry2x32 } from "./threefry.ts";
