export type { SecurePlan } from "./check-plan.ts";
export { bestCurves, type Curves, identityPublicKey, platformCurves, portableCurves } from "./curves.ts";
export type { Courier } from "./drive-round.ts";
export { type Entropy, secureEntropy, seededEntropy } from "./entropy.ts";
export { addMasks, type MaskTerm } from "./keystream.ts";
export {
  chooseGraph,
  codedParameters,
  completeThreshold,
  type GraphChoice,
  type GraphDemand,
} from "./parameters.ts";
export type {
  ClientPorts,
  Directory,
  Participation,
  Receipt,
  Reply,
  SecureClient,
  SecureServer,
  ServerPorts,
  StageName,
  StageResult,
} from "./party.ts";
export { plain } from "./plain-protocol.ts";
export {
  bytesPerClient,
  type ProtocolName,
  type ProtocolPorts,
  protocolNames,
  type RefusedMessage,
  type SecureAggregationCost,
  type SecureAggregationInput,
  type SecureAggregationOutcome,
  type SecureAggregationProtocol,
  type SecureAggregationRequest,
  type StageCost,
} from "./protocol.ts";
export { bonawitz, lightsecagg, secaggPlus, secureAggregationProtocol } from "./protocols.ts";
export { dequantizeMean, levels, modulusBits, type Quantization, quantize } from "./quantization.ts";
export {
  type HiddenMedian,
  type HiddenMedianSettings,
  type HiddenUpdate,
  hiddenMedian,
  ownWeight,
} from "./weiszfeld.ts";
