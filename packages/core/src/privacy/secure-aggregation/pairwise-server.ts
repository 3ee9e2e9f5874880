import { advertisedKeys } from "./key-advertisement.ts";
import { pairMaskKey, seedCommitment, selfMaskKey } from "./keys.ts";
import { addMasks, type MaskTerm } from "./keystream.ts";
import { type RevealedShare, revealMessage } from "./messages.ts";
import { unpackBits } from "./packing.ts";
import type { StageResult } from "./party.ts";
import { refuse, roundFailure } from "./refusal.ts";
import type { ServerStage } from "./round-server.ts";
import { rebuildSecret } from "./shamir.ts";
import { SumServer } from "./sum-server.ts";
import { equalBytes } from "./wire.ts";

/**
 * The server of Bonawitz et al. 2017 and of SecAgg+ (see `PairwiseClient`). Masked vectors are added as they come; it
 * holds their sum, never one of them. When the shares are in, it rebuilds the seeds of the survivors and the mask keys
 * of those who dropped out after sharing, checks each against what the client committed to or advertised, and takes the
 * masks off the sum.
 */
export class PairwiseServer extends SumServer {
  #sum = new Int32Array(this.plan.length);
  /** Shares of each client's one secret that the survivors revealed. */
  readonly #revealed = new Map<number, Uint8Array[]>();

  protected override forget(): void {
    super.forget();
    this.#sum = new Int32Array(0);
    this.#revealed.clear();
  }

  protected add(client: number, packed: Uint8Array): void {
    const { length, bits } = this.plan;
    addInto(this.#sum, unpackBits(packed, length, bits, `masked vector of client ${client}`));
  }

  protected unmask(
    sharers: ReadonlySet<number>,
    survivors: ReadonlySet<number>,
    agreed: ReadonlySet<number>,
  ): ServerStage<readonly RevealedShare[]> {
    return {
      name: "unmask",
      codec: revealMessage,
      from: agreed,
      accept: async (client, shares) => {
        const near = this.neighbours.get(client)!;
        for (const { client: owner, secret } of shares) {
          // A server that would take the other share too could take a client's masks off: it does not want to hold it.
          const due = survivors.has(owner) ? "seed" : "key";
          if (!near.includes(owner) || !sharers.has(owner) || secret !== due) {
            refuse("share", "a share was not requested", {
              where: `client ${client}`,
              received: `${secret} of ${owner}`,
            });
          }
        }
        for (const { client: owner, share } of shares) {
          const held = this.#revealed.get(owner);
          if (held === undefined) this.#revealed.set(owner, [share]);
          else held.push(share);
        }
      },
      close: async (present) => {
        const end = this.tooFew(present, "have revealed shares");
        return end ?? this.#finish(sharers, survivors);
      },
    };
  }

  async #finish(sharers: ReadonlySet<number>, survivors: ReadonlySet<number>): Promise<StageResult> {
    const terms: MaskTerm[] = [];
    for (const client of sharers) {
      const own = survivors.has(client) ? await this.#ownMask(client) : await this.#pairMasks(client, survivors);
      if (own === undefined) {
        const secret = survivors.has(client) ? "seed" : "mask key";
        return roundFailure("rebuild", `the ${secret} of client ${client} cannot be rebuilt from the shares that came`);
      }
      for (const term of own) terms.push(term);
    }
    await addMasks(this.#sum, terms);
    const mask = this.plan.bits === 32 ? -1 : (1 << this.plan.bits) - 1;
    const sum = new Uint32Array(this.#sum);
    for (let i = 0; i < sum.length; i++) sum[i]! &= mask;
    return { sum, survivors: [...survivors] };
  }

  async #ownMask(client: number): Promise<MaskTerm[] | undefined> {
    const { session } = this.shape;
    const commitment = this.commitments.get(client)!;
    const seed = await this.#rebuild(client, (secret) =>
      equalBytes(seedCommitment(secret, session, client), commitment),
    );
    return seed && [{ key: selfMaskKey(seed, session, client), sign: -1 }];
  }

  /** What a client that dropped out left behind: its mask with each neighbour that is in the sum. */
  async #pairMasks(client: number, survivors: ReadonlySet<number>): Promise<MaskTerm[] | undefined> {
    const near = this.neighbours.get(client)!.filter((other) => survivors.has(other));
    if (near.length === 0) return [];
    const { curves } = this.ports;
    const maskingKey = (owner: number) => advertisedKeys(this.advertisements.get(owner)!)[1]!;
    const key = await this.#rebuild(client, async (secret) =>
      equalBytes(await curves.publicKey(secret), maskingKey(client)),
    );
    if (key === undefined) return undefined;
    const terms: MaskTerm[] = [];
    for (const other of near) {
      const shared = await curves.sharedSecret(key, maskingKey(other));
      // `other` added the mask if the client that is gone has the larger number, and took it away if not.
      terms.push({ key: pairMaskKey(shared, this.shape.session, client, other), sign: client > other ? -1 : 1 });
    }
    return terms;
  }

  #rebuild(client: number, accept: (secret: Uint8Array) => Promise<boolean> | boolean) {
    return rebuildSecret(this.#revealed.get(client) ?? [], this.plan.threshold, accept);
  }
}

function addInto(sum: Int32Array, values: Uint32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i]! + values[i]!) | 0;
}
