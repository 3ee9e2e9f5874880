import { sha256 } from "@noble/hashes/sha2.js";
import { permutation, randomStream } from "../../random/index.ts";
import { checkPlan, MOST_CLIENTS, NONCE_BYTES, RUN_BYTES, type SecurePlan } from "./check-plan.ts";
import { refuse } from "./refusal.ts";
import { concat, u32, type WireReader } from "./wire.ts";

export function encodePlan(plan: SecurePlan): Uint8Array<ArrayBuffer> {
  const numbers = [plan.round, plan.degree, plan.threshold, plan.privacy, plan.length, plan.bits, plan.cohort.length];
  const head = [Uint8Array.of(plan.protocol === "pairwise" ? 0 : 1), plan.run, plan.nonce];
  return concat(...head, ...numbers.map(u32), ...plan.cohort.map(u32));
}

/** Reads and checks a plan. */
export function decodePlan(reader: WireReader): SecurePlan {
  const protocol = reader.u8();
  if (protocol > 1) refuse("malformed", "a plan names no protocol", { where: reader.where, received: `${protocol}` });
  const run = reader.bytes(RUN_BYTES);
  const nonce = reader.bytes(NONCE_BYTES);
  const [round, degree, threshold, privacy, length, bits] = Array.from({ length: 6 }, () => reader.u32());
  const cohort = reader.entries(MOST_CLIENTS, 4, (client) => client);
  const plan: SecurePlan = {
    protocol: protocol === 0 ? "pairwise" : "coded",
    ...{ run, round: round!, nonce, cohort },
    ...{ degree: degree!, threshold: threshold!, privacy: privacy!, length: length!, bits: bits! },
  };
  checkPlan(plan);
  return plan;
}

/** [32] The session: what ties keys, signatures and messages to the plan. */
export function sessionOf(plan: SecurePlan): Uint8Array {
  return sha256(encodePlan(plan));
}

/**
 * A client with its neighbours, in ascending order: those it shares masks with. The graph is the Harary graph of Bell et
 * al. 2020: clients stand in a ring in random order, and each knows the degree / 2 before it and behind it.
 */
export function neighbourhoods(plan: SecurePlan): ReadonlyMap<number, readonly number[]> {
  const { cohort, degree } = plan;
  const n = cohort.length;
  if (degree === n - 1) return new Map(cohort.map((client) => [client, cohort]));
  const ring = ringOf(plan);
  return new Map(
    ring.map((client, place) => {
      const known = Array.from({ length: degree + 1 }, (_, i) => ring[(place - degree / 2 + i + n) % n]!);
      return [client, known.sort((a, b) => a - b)];
    }),
  );
}

/**
 * How many members of a sum share masks with one of them, by way of each other, itself included. Where the graph falls
 * apart each part has a sum of its own, which the server can take as well.
 */
export function connectedMembers(plan: SecurePlan, client: number, members: ReadonlySet<number>): number {
  const { cohort, degree } = plan;
  const n = cohort.length;
  if (degree === n - 1) return members.size;
  const ring = ringOf(plan);
  const start = ring.indexOf(client);
  const reached = new Set([client]);
  for (const step of [1, n - 1]) {
    let missing = 0;
    for (let i = 1, place = start; i < n && missing < degree / 2; i++) {
      place = (place + step) % n;
      const other = ring[place]!;
      missing = members.has(other) ? 0 : missing + 1;
      if (missing === 0) reached.add(other);
    }
  }
  return reached.size;
}

/** The clients in the order in which they stand. */
function ringOf({ cohort, nonce }: SecurePlan): readonly number[] {
  const words = new DataView(nonce.buffer, nonce.byteOffset, nonce.byteLength);
  const order = permutation(randomStream([words.getUint32(0, true), words.getUint32(4, true)]), cohort.length);
  return Array.from(order, (index) => cohort[index]!);
}
