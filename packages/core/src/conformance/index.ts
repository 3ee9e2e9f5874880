export { type AlgorithmUnderTest, algorithmCases } from "./algorithm.ts";
export { blobStoreCases } from "./blob-store.ts";
export type { Case } from "./case.ts";
export { clientStateCases, type OpenClientStates } from "./client-states.ts";
export { alteredBackend, type CohortWork, runCohort } from "./run-cohort.ts";
export { type FederationFaults, HEALTHY, SimulatedFederation } from "./simulated-federation.ts";
export { type Faults, NO_FAULTS, SimulatedNetwork } from "./simulated-network.ts";
export { CHAOS, LIVE_METHODS, simulateSmall, smallRun } from "./small-live-run.ts";
export { VirtualTimers } from "./virtual-timers.ts";
