export { type AlgorithmUnderTest, algorithmCases } from "./algorithm.ts";
export type { Case } from "./case.ts";
