export type { Accountant, AccountantName, PrivacyContext, PrivacyStatement } from "./accountant.ts";
export { assumptionsOf } from "./assumptions.ts";
export { boundText } from "./bound-text.ts";
export { calibrateNoise, calibrateRounds, NOISE_TOLERANCE, type PrivacyTarget } from "./calibration.ts";
export { accountantNames, createAccountant } from "./create-accountant.ts";
export {
  type Adjacency,
  groupEvents,
  occurring,
  type PrivacyEvent,
  type PrivacyEventInput,
  privacyEventSchema,
} from "./events.ts";
export { gaussianAccountant } from "./exact-accountant.ts";
export { gaussianDelta, gaussianEpsilon } from "./gaussian.ts";
export { emptyLedger, type PrivacyLedger, parseLedger, spend } from "./ledger.ts";
export { explain } from "./meaning.ts";
export { type PldOptions, pldAccountant } from "./pld-accountant.ts";
export { type RdpOptions, rdpAccountant } from "./rdp-accountant.ts";
export { fractionalOrders, integerOrders, type RdpConversion } from "./rdp-conversion.ts";
export { renyiDivergences } from "./rdp-curve.ts";
export {
  PRIVACY_RECORD,
  type PrivacyRecord,
  parsePrivacyRecord,
  type RecordedAccount,
  type RecordedRun,
  recordAfter,
} from "./record.ts";
