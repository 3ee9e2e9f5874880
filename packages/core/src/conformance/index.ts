export { type AlgorithmUnderTest, algorithmCases } from "./algorithm.ts";
export { blobStoreCases } from "./blob-store.ts";
export type { Case } from "./case.ts";
export { clientStateCases, type OpenClientStates } from "./client-states.ts";
export { alteredBackend, type CohortWork, runCohort } from "./run-cohort.ts";
