import type { SecurePlan } from "./check-plan.ts";
import { open, pairMaskKey, SEED_BYTES, seal, seedCommitment, selfMaskKey } from "./keys.ts";
import { addMasks, type MaskTerm } from "./keystream.ts";
import { type Box, boxesMessage, maskedMessage, type RevealedShare, revealMessage, sharesMessage } from "./messages.ts";
import { packBits } from "./packing.ts";
import { asRefusal, refuse } from "./refusal.ts";
import { type ClientRound, type Neighbour, RoundClient } from "./round-client.ts";
import { SHARE_BYTES, splitSecret } from "./shamir.ts";
import { concat } from "./wire.ts";

/** What one client has given another to keep: a share of its seed and one of its mask key. */
interface HeldShares {
  readonly seed: Uint8Array;
  readonly key: Uint8Array;
}

/**
 * A client of Bonawitz et al. 2017 ("Practical Secure Aggregation for Privacy-Preserving Machine Learning", CCS, figure
 * 4) and of Bell et al. 2020 (SecAgg+, CCS; there with neighbours in place of all clients). It uploads
 *
 *     y_u = x_u + PRG(b_u) + sum_{v > u} PRG(s_uv) - sum_{v < u} PRG(s_uv)   mod 2^bits
 *
 * over the neighbours v that sent shares, and answers once which of its neighbours' secrets it has a share of: the seed
 * of those in the sum, the mask key of the others, never both of one client.
 *
 * Of the two keys that it advertises the first seals shares and the second makes masks.
 */
export class PairwiseClient extends RoundClient {
  protected readonly protocol = "pairwise";

  protected checkValues({ bits }: SecurePlan): void {
    const limit = 2 ** bits;
    if (this.own.values.some((value) => value >= limit)) {
      refuse("overflow", "a value is outside the modulus", { where: this.me, expected: `integers below 2^${bits}` });
    }
  }

  protected async share(round: ClientRound, neighbours: readonly Neighbour[]): Promise<Uint8Array> {
    const { plan, shape, secrets } = round;
    const { client } = this.own;
    const seed = this.ports.entropy.bytes(SEED_BYTES);
    const last = neighbours.length;
    const seeds = await splitSecret(seed, last + 1, plan.threshold);
    const keys = await splitSecret(secrets[1]!, last + 1, plan.threshold);
    const kept = new Map<number, HeldShares>([[client, { seed: seeds[last]!, key: keys[last]! }]]);
    const boxes = neighbours.map((neighbour, i) => {
      const box = seal(neighbour.shared[0]!, shape.session, client, neighbour.client, concat(seeds[i]!, keys[i]!));
      return { client: neighbour.client, box };
    });
    this.expect(round, boxesMessage, (received) => this.#mask(round, neighbours, seed, kept, received));
    const commitment = seedCommitment(seed, shape.session, client);
    return this.send(round, sharesMessage, { commitment, boxes });
  }

  async #mask(
    round: ClientRound,
    neighbours: readonly Neighbour[],
    seed: Uint8Array,
    kept: Map<number, HeldShares>,
    boxes: readonly Box[],
  ): Promise<Uint8Array> {
    const { plan, shape } = round;
    const { client, values } = this.own;
    const { session } = shape;
    this.enough(boxes.length + 1, plan.threshold, "have sent shares");
    const secrets = new Map(neighbours.map((neighbour) => [neighbour.client, neighbour.shared]));
    const terms: MaskTerm[] = [{ key: selfMaskKey(seed, session, client), sign: 1 }];
    for (const { client: from, box } of boxes) {
      const shared = secrets.get(from);
      if (shared === undefined) refuse("neighbours", "shares are of no neighbour", { where: this.me });
      const shares = opened(shared[0]!, session, from, client, box);
      if (shares !== undefined) kept.set(from, shares);
      terms.push({ key: pairMaskKey(shared[1]!, session, client, from), sign: from > client ? 1 : -1 });
    }
    const masked = new Int32Array(values);
    await addMasks(masked, terms);
    const sharers = new Set([client, ...boxes.map((box) => box.client)]);
    this.expectSurvivors(round, sharers, (survivors) => this.#reveal(round, kept, survivors));
    return this.send(round, maskedMessage, packBits(masked, plan.bits));
  }

  async #reveal(
    round: ClientRound,
    kept: ReadonlyMap<number, HeldShares>,
    survivors: ReadonlySet<number>,
  ): Promise<Uint8Array> {
    const shares = [...kept].sort(([a], [b]) => a - b);
    const reveal = shares.map(([client, share]): RevealedShare => {
      const secret = survivors.has(client) ? "seed" : "key";
      return { client, secret, share: share[secret] };
    });
    return this.send(round, revealMessage, reveal);
  }
}

/** What a neighbour sealed, or undefined if it does not open: then others have shares of its secrets, this client not. */
function opened(
  sealing: Uint8Array,
  session: Uint8Array,
  from: number,
  to: number,
  box: Uint8Array,
): HeldShares | undefined {
  try {
    const plain = open(sealing, session, from, to, box);
    return { seed: plain.slice(0, SHARE_BYTES), key: plain.slice(SHARE_BYTES) };
  } catch (error) {
    asRefusal(error);
    return undefined;
  }
}
