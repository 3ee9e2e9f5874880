import type { SecurePlan } from "./check-plan.ts";
import { combinePieces, lagrangeWeights, uniformElements } from "./field.ts";
import { HASH_BYTES, MASK_KEY_BYTES, open, seal } from "./keys.ts";
import { type Box, boxesMessage, codedSumMessage, maskedMessage, sharesMessage } from "./messages.ts";
import { packBits, unpackBits } from "./packing.ts";
import { codedLength } from "./party.ts";
import { FIELD_PRIME } from "./prime.ts";
import { refuse } from "./refusal.ts";
import { type ClientRound, type Neighbour, RoundClient } from "./round-client.ts";

/** Points at which the pieces of a mask are the values of its polynomial: 1 ... U. */
export function piecePoints(plan: SecurePlan): number[] {
  return Array.from({ length: plan.threshold }, (_, k) => k + 1);
}

/** Point at which a client is given the value of every mask's polynomial: U + 1 + its place in the cohort. */
export function clientPoint(plan: SecurePlan, client: number): number {
  return plan.threshold + 1 + plan.cohort.indexOf(client);
}

/**
 * A client of LightSecAgg (So et al., MLSys 2022, arXiv 2109.14236, algorithm 1). Its mask z, uniform over the field, is
 * cut into U - T pieces, T uniform pieces are added, and client j is given the value at its point of the polynomial
 * through all U. It uploads x + z, signs who is in the sum, and when U clients have signed the same set it uploads, once,
 * the sum of the values that it holds of their masks.
 *
 * The signatures are not in the paper, whose server follows the protocol. Without them a server tells some clients of a
 * set with the target and the others of one without: N - U + c points of the target's polynomial (c colluders), of which
 * T + 1 are too many.
 *
 * All T extra pieces are drawn afresh: with pieces of zeros, as in one released copy, a single value would tell of z.
 */
export class CodedClient extends RoundClient {
  protected readonly protocol = "coded";

  protected checkValues(): void {
    if (this.own.values.some((value) => value >= FIELD_PRIME)) {
      refuse("overflow", "a value is outside the field", { where: this.me, expected: `below ${FIELD_PRIME}` });
    }
  }

  protected async share(round: ClientRound, neighbours: readonly Neighbour[]): Promise<Uint8Array> {
    const { plan, shape } = round;
    const { client } = this.own;
    const length = codedLength(plan);
    const elements = await uniformElements(this.ports.entropy.bytes(MASK_KEY_BYTES), plan.threshold * length);
    const pieces = Array.from({ length: plan.threshold }, (_, k) => elements.subarray(k * length, (k + 1) * length));
    const owners = [...neighbours.map((neighbour) => neighbour.client), client];
    const weights = lagrangeWeights(
      piecePoints(plan),
      owners.map((owner) => clientPoint(plan, owner)),
    );
    const boxes = neighbours.map((neighbour, i) => {
      const value = packBits(combinePieces(weights[i]!, pieces), plan.bits);
      return {
        client: neighbour.client,
        box: seal(neighbour.shared[0]!, shape.session, client, neighbour.client, value),
      };
    });
    const held = new Map([[client, combinePieces(weights[neighbours.length]!, pieces)]]);
    const mask = elements.slice(0, plan.length);
    this.expect(round, boxesMessage, (received) => this.#mask(round, neighbours, held, mask, received));
    // There is no seed to commit to: the field of the message stays zero.
    return this.send(round, sharesMessage, { commitment: new Uint8Array(HASH_BYTES), boxes });
  }

  async #mask(
    round: ClientRound,
    neighbours: readonly Neighbour[],
    held: Map<number, Uint32Array>,
    mask: Uint32Array,
    boxes: readonly Box[],
  ): Promise<Uint8Array> {
    const { plan, shape } = round;
    const { client, values } = this.own;
    this.enough(boxes.length + 1, plan.threshold, "have sent shares");
    const secrets = new Map(neighbours.map((neighbour) => [neighbour.client, neighbour.shared[0]!]));
    for (const { client: from, box } of boxes) {
      const shared = secrets.get(from);
      if (shared === undefined) refuse("neighbours", "shares are of no other client", { where: this.me });
      // A share that does not open ends the round for this client: its sum of coded masks could not be right.
      const packed = open(shared, shape.session, from, client, box);
      held.set(from, elementsOf(packed, codedLength(plan), plan.bits, `coded mask of client ${from}`));
    }
    const sharers = new Set(held.keys());
    this.expectSurvivors(round, sharers, (survivors) => this.#recover(round, held, survivors));
    const masked = values.map((value, i) => (value + mask[i]!) % FIELD_PRIME);
    return this.send(round, maskedMessage, packBits(masked, plan.bits));
  }

  async #recover(
    round: ClientRound,
    held: ReadonlyMap<number, Uint32Array>,
    survivors: ReadonlySet<number>,
  ): Promise<Uint8Array> {
    const values = Array.from(survivors, (other) => held.get(other)!);
    const ones = values.map(() => 1);
    return this.send(round, codedSumMessage, packBits(combinePieces(ones, values), round.plan.bits));
  }
}

/** Unpacks field elements; refuses (`malformed`) words that are none. */
export function elementsOf(packed: Uint8Array, count: number, bits: number, where: string): Uint32Array {
  const elements = unpackBits(packed, count, bits, where);
  for (let i = 0; i < count; i++) {
    if (elements[i]! < FIELD_PRIME) continue;
    refuse("malformed", "a vector has a value that is not a field element", { where, received: `${elements[i]}` });
  }
  return elements;
}
