import { FIELD_BITS } from "./prime.ts";
import { refuse } from "./refusal.ts";

/**
 * What all parties of one round agree on. The server sends it to every client; its hash, the session, is part of every
 * key, signature and message, so that nothing said in one round is of use in another.
 */
export interface SecurePlan {
  /** `pairwise`: masks that cancel (Bonawitz et al., SecAgg+). `coded`: LightSecAgg. */
  readonly protocol: "pairwise" | "coded";
  /** [16], of the run. */
  readonly run: Uint8Array;
  /** 1-based. */
  readonly round: number;
  /** [32], fresh and random; the graph is drawn from it. */
  readonly nonce: Uint8Array;
  /** Clients in ascending order, each below 2^32 - 1. */
  readonly cohort: readonly number[];
  /** Neighbours of a client: cohort - 1 (complete graph, Bonawitz et al.) or an even number below (SecAgg+). */
  readonly degree: number;
  /** Shares that rebuild a secret (pairwise, t), or clients that must agree on a sum and whose answers decode it (coded, U). */
  readonly threshold: number;
  /** Coded only: how many clients may collude with the server and learn nothing (T); pairwise 0, it is threshold - 1. */
  readonly privacy: number;
  /** Values of a vector. */
  readonly length: number;
  /** Pairwise: sums are taken mod 2^bits, 1 to 32. Coded: 26, the bits of the field. */
  readonly bits: number;
}

export const RUN_BYTES = 16;
export const NONCE_BYTES = 32;
/** The library of Shamir's scheme counts shares in a byte. */
export const MOST_SHARES = 255;
export const MOST_CLIENTS = 1 << 16;
/** `combinePieces` adds at most so many products. */
const MOST_CODED_CLIENTS = 1 << 13;
export const MOST_VALUES = 1 << 28;

type Wrong = (message: string, received: unknown, expected: string, advice?: string) => never;

/** Refuses (`plan`) a plan under which the protocol would not work or protect nobody. */
export function checkPlan(plan: SecurePlan): void {
  const { cohort, degree, threshold, privacy, length, bits } = plan;
  const wrong: Wrong = (message, received, expected, advice) =>
    refuse("plan", message, { received: String(received), expected, ...(advice === undefined ? {} : { advice }) });
  const whole = (value: number, low: number, high: number) => Number.isInteger(value) && value >= low && value <= high;
  const n = cohort.length;
  if (!whole(n, 2, MOST_CLIENTS)) wrong("the cohort has a wrong size", n, `2 to ${MOST_CLIENTS} clients`);
  for (const [i, client] of cohort.entries()) {
    if (!whole(client, i === 0 ? 0 : cohort[i - 1]! + 1, 0xfffffffe)) {
      wrong("the clients of a cohort must ascend", client, "integers from 0 to 2^32 - 2, in ascending order");
    }
  }
  if (!whole(plan.round, 0, 0xffffffff)) wrong("the round number is out of range", plan.round, "0 to 2^32 - 1");
  if (!whole(length, 1, MOST_VALUES)) wrong("the vector has a wrong length", length, `1 to ${MOST_VALUES} values`);
  if (plan.run.length !== RUN_BYTES || plan.nonce.length !== NONCE_BYTES) {
    wrong("run or nonce has a wrong length", `${plan.run.length}, ${plan.nonce.length}`, "16 and 32 bytes");
  }
  if (plan.protocol === "pairwise") {
    const sparse = degree % 2 === 0 && whole(degree, 2, n - 2);
    if (degree !== n - 1 && !sparse) wrong("no graph has this degree", degree, `${n - 1}, or an even number below`);
    if (degree + 1 > MOST_SHARES) {
      const advice = "Choose secagg+, whose clients share with a part of the cohort only.";
      wrong("a client has too many neighbours", degree, `at most ${MOST_SHARES - 1}`, advice);
    }
    if (!whole(threshold, Math.max(2, Math.floor((degree + 1) / 2) + 1), degree + 1)) {
      wrong("the threshold does not protect", threshold, `more than half of ${degree + 1} and at most all`);
    }
    if (!whole(bits, 1, 32)) wrong("the modulus has a wrong size", bits, "1 to 32 bits");
    if (privacy !== 0) wrong("the privacy of pairwise masks follows from the threshold", privacy, "0");
    return;
  }
  checkCoded(plan, wrong);
}

/**
 * LightSecAgg needs N - D >= U > T. Beyond the paper, 2 U > N + T: no T clients that collude with the server can have two
 * sets of survivors agreed on (`checkAgreement`). So T is the number of colluders throughout: as many may pool what they
 * hold, and as many may sign what the server likes.
 *
 * It follows that two honest clients, where there are so many, are in the sum: U - T > (N - T) / 2.
 */
function checkCoded(plan: SecurePlan, wrong: Wrong): void {
  const { cohort, degree, threshold, privacy, bits } = plan;
  const n = cohort.length;
  if (n > MOST_CODED_CLIENTS) wrong("the cohort is too large for coded masks", n, `at most ${MOST_CODED_CLIENTS}`);
  if (degree !== n - 1) wrong("coded masks go to all clients", degree, `degree ${n - 1}`);
  if (!(Number.isInteger(privacy) && privacy >= 1 && privacy < threshold)) {
    wrong("the privacy does not fit the survivors needed", privacy, `1 to ${threshold - 1}`);
  }
  const least = leastQuorum(n, privacy);
  if (!(Number.isInteger(threshold) && threshold <= n && threshold >= least)) {
    const colluders = 2 * threshold - n - 1;
    const fewer =
      colluders < 1 || threshold > n ? "" : `, or assume at most ${colluders} colluder${colluders > 1 ? "s" : ""} (T)`;
    wrong(
      "the number of survivors needed does not protect",
      `${threshold} of ${n} clients, ${privacy} of them colluders`,
      `${least} to ${n}`,
      `With fewer, two sums of one round could be unmasked. Raise the threshold (U) to at least ${least}${fewer}.`,
    );
  }
  if (bits !== FIELD_BITS) wrong("coded masks live in one field", bits, `${FIELD_BITS} bits`);
}

/** The smallest U with 2 U > clients + colluders: two groups of so many share more clients than collude. */
export function leastQuorum(clients: number, colluders: number): number {
  return Math.floor((clients + colluders) / 2) + 1;
}
