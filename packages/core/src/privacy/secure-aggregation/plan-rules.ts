import { checkPlan, NONCE_BYTES, RUN_BYTES, type SecurePlan } from "./check-plan.ts";
import { chooseGraph, codedParameters, completeThreshold, type GraphDemand } from "./parameters.ts";
import { FIELD_BITS, FIELD_PRIME } from "./prime.ts";
import type { ProtocolName, SecureAggregationRequest } from "./protocol.ts";
import { modulusBits } from "./quantization.ts";
import { refuse } from "./refusal.ts";

/** What a cohort is to add up. */
export interface SumShape extends Pick<SecureAggregationRequest, "maximum" | "modulus"> {
  readonly clients: number;
}

/** The part of a plan that the protocol and the size of a cohort decide. */
export type PlanRule = (shape: SumShape) => Pick<SecurePlan, "protocol" | "degree" | "threshold" | "privacy" | "bits">;

/** Every client shares masks with every other. `threshold` by default more than 2/3. */
export function completeRule(options: { readonly threshold?: number } = {}): PlanRule {
  return (shape) => ({
    ...{ protocol: "pairwise", degree: shape.clients - 1, privacy: 0, bits: pairwiseBits(shape) },
    threshold: options.threshold ?? completeThreshold(shape.clients),
  });
}

/** Clients share masks with neighbours in a random graph, laid out for the given rates. */
export function sparseRule(
  options: Omit<GraphDemand, "clients"> & { readonly degree?: number; readonly threshold?: number },
): PlanRule {
  return (shape) => {
    const fixed = options.degree !== undefined && options.threshold !== undefined;
    const { degree, threshold } = fixed
      ? { degree: options.degree, threshold: options.threshold }
      : chooseGraph({ ...options, clients: shape.clients });
    return { protocol: "pairwise", degree, threshold, privacy: 0, bits: pairwiseBits(shape) };
  };
}

/** The rule of a protocol by its name; a sparse graph is laid out for the shares of clients that are corrupted or drop out. */
export function planRule(
  protocol: Exclude<ProtocolName, "plain">,
  { threshold, corrupted, dropped }: Omit<GraphDemand, "clients"> & { readonly threshold?: number | undefined },
): PlanRule {
  if (protocol === "secagg+") return sparseRule({ corrupted, dropped });
  const fixed = threshold === undefined ? {} : { threshold };
  return protocol === "bonawitz" ? completeRule(fixed) : codedRule(fixed);
}

/** Coded masks: `threshold` (U) answers decode the masks of all, `privacy` (T) clients together learn nothing. */
export function codedRule(options: { readonly threshold?: number; readonly privacy?: number } = {}): PlanRule {
  return ({ clients, maximum, modulus }) => {
    if (modulus !== undefined && modulus !== FIELD_PRIME) refuseModulus(modulus, `${FIELD_PRIME}`);
    if (modulus === undefined && clients * maximum >= FIELD_PRIME) {
      refuse("overflow", "the sum of a cohort does not fit the field", {
        received: `${clients} clients with values up to ${maximum}`,
        expected: `values up to ${Math.floor((FIELD_PRIME - 1) / clients)}`,
        advice: "Choose fewer bits for a value or a smaller cohort.",
      });
    }
    const chosen = { ...codedParameters(clients), ...options };
    return { protocol: "coded", degree: clients - 1, bits: FIELD_BITS, ...chosen };
  };
}

/**
 * Refuses before any round (`plan`, `parameters`, `overflow`) what a protocol would refuse in every one: a cohort of this
 * size with vectors of `length` values.
 */
export function checkRule(rule: PlanRule, shape: SumShape, length: number): void {
  const cohort = Array.from({ length: shape.clients }, (_, client) => client);
  const names = { run: new Uint8Array(RUN_BYTES), round: 1, nonce: new Uint8Array(NONCE_BYTES) };
  checkPlan({ ...names, cohort, length, ...rule(shape) });
}

/** Bits of the modulus of pairwise masks. Refuses (`overflow`) one that is no power of two up to 2^32. */
function pairwiseBits({ clients, maximum, modulus }: SumShape): number {
  if (modulus === undefined) return modulusBits(clients, maximum);
  const bits = Math.log2(modulus);
  if (!(Number.isInteger(bits) && bits >= 1 && bits <= 32)) refuseModulus(modulus, "a power of two up to 2^32");
  return bits;
}

function refuseModulus(modulus: number, expected: string): never {
  refuse("overflow", "sums of this protocol cannot be taken modulo this", { received: `${modulus}`, expected });
}
