import { advertKeys, checkAdvert } from "./adverts.ts";
import { decodeMessage, decodePlanMessage, encodeMessage, SERVER } from "./envelope.ts";
import { advertText, open, pairMaskKey, SEED_BYTES, seal, seedCommitment, selfMaskKey, survivorsText } from "./keys.ts";
import { addMasks, type MaskTerm } from "./keystream.ts";
import {
  advertMessage,
  advertsMessage,
  agreementMessage,
  agreementsMessage,
  boxesMessage,
  type Codec,
  maskedMessage,
  type RevealedShare,
  revealMessage,
  sharesMessage,
  survivorsMessage,
  type WireShape,
} from "./messages.ts";
import { packBits } from "./packing.ts";
import { type ClientPorts, checkParticipation, membersOf, type Participation, type Reply, shapeOf } from "./party.ts";
import { neighbourhoods, type SecurePlan } from "./plan.ts";
import { KEY_BYTES } from "./public-key.ts";
import { asRefusal, inTurn, refuse } from "./refusal.ts";
import { SHARE_BYTES, splitSecret } from "./shamir.ts";
import { concat } from "./wire.ts";

/** What is known of a neighbour, more at every stage. */
interface Neighbour {
  /** X25519 secrets shared with it: for sealing and for the mask. */
  readonly sealing: Uint8Array;
  readonly masking: Uint8Array;
}

/** What one client has given another to keep: a share of its seed and one of its mask key. */
interface Kept {
  readonly seed: Uint8Array;
  readonly key: Uint8Array;
}

/** The plan and what follows from it. */
interface Joined {
  readonly plan: SecurePlan;
  readonly shape: WireShape;
  /** The client and its neighbours, ascending. */
  readonly known: readonly number[];
  readonly sealingSecret: Uint8Array;
  readonly maskingSecret: Uint8Array;
  readonly seed: Uint8Array;
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
 * A message that cannot be read, or that it does not wait for, leaves it as it was. A message that can be read and asks
 * what no honest server asks ends it: it forgets its secrets and refuses everything (`over`).
 */
export class PairwiseClient {
  readonly #own: Participation;
  readonly #ports: ClientPorts;
  readonly #turn = inTurn();
  #handle: ((bytes: Uint8Array) => Promise<Uint8Array>) | undefined;

  constructor(participation: Participation, ports: ClientPorts) {
    this.#own = participation;
    this.#ports = ports;
    this.#handle = (bytes) => this.#join(bytes);
  }

  /** Answers a message of the server. */
  receive(bytes: Uint8Array): Promise<Reply> {
    return this.#turn(async () => {
      try {
        if (this.#handle === undefined)
          refuse("over", "the client has done its part of this round", { where: this.#me });
        return { message: await this.#handle(bytes) };
      } catch (error) {
        return asRefusal(error);
      }
    });
  }

  get #me(): string {
    return `client ${this.#own.client}`;
  }

  async #join(bytes: Uint8Array): Promise<Uint8Array> {
    const plan = decodePlanMessage(bytes);
    checkParticipation(plan, "pairwise", this.#own);
    checkValues(this.#own.values, plan.bits, this.#me);
    const { entropy, curves, identity } = this.#ports;
    const joined: Joined = {
      plan,
      shape: shapeOf(plan),
      known: neighbourhoods(plan).get(this.#own.client)!,
      sealingSecret: entropy.bytes(KEY_BYTES),
      maskingSecret: entropy.bytes(KEY_BYTES),
      seed: entropy.bytes(SEED_BYTES),
    };
    const keys = concat(await curves.publicKey(joined.sealingSecret), await curves.publicKey(joined.maskingSecret));
    const signature = await curves.sign(identity, advertText(joined.shape.session, this.#own.client, keys));
    this.#expect(joined, advertsMessage, (adverts) => this.#share(joined, adverts));
    return this.#send(joined, advertMessage, { keys, signature });
  }

  async #share(joined: Joined, adverts: ReturnType<typeof advertsMessage.read>): Promise<Uint8Array> {
    const { plan, shape, known } = joined;
    const { client } = this.#own;
    const { curves, directory } = this.#ports;
    const strange = adverts.find((advert) => advert.client === client || !known.includes(advert.client));
    if (strange !== undefined) refuse("neighbours", "keys are of no neighbour", { where: this.#me });
    this.#enough(adverts.length + 1, plan.threshold, "have advertised keys");
    const neighbours = new Map<number, Neighbour>();
    for (const advert of adverts) {
      await checkAdvert(advert, advert.client, shape.session, curves, directory, "client");
      const [sealing, masking] = advertKeys(advert);
      neighbours.set(advert.client, {
        sealing: await curves.sharedSecret(joined.sealingSecret, sealing!),
        masking: await curves.sharedSecret(joined.maskingSecret, masking!),
      });
    }
    const count = adverts.length + 1;
    const seeds = await splitSecret(joined.seed, count, plan.threshold);
    const keys = await splitSecret(joined.maskingSecret, count, plan.threshold);
    const kept = new Map<number, Kept>([[client, { seed: seeds[count - 1]!, key: keys[count - 1]! }]]);
    const boxes = adverts.map((advert, i) => {
      const { sealing } = neighbours.get(advert.client)!;
      const box = seal(sealing, shape.session, client, advert.client, concat(seeds[i]!, keys[i]!));
      return { client: advert.client, box };
    });
    this.#expect(joined, boxesMessage, (received) => this.#mask(joined, neighbours, kept, received));
    const commitment = seedCommitment(joined.seed, shape.session, client);
    return this.#send(joined, sharesMessage, { commitment, boxes });
  }

  async #mask(
    joined: Joined,
    neighbours: ReadonlyMap<number, Neighbour>,
    kept: Map<number, Kept>,
    boxes: ReturnType<typeof boxesMessage.read>,
  ): Promise<Uint8Array> {
    const { plan, shape } = joined;
    const { client, values } = this.#own;
    const session = shape.session;
    this.#enough(boxes.length + 1, plan.threshold, "have sent shares");
    const terms: MaskTerm[] = [{ key: selfMaskKey(joined.seed, session, client), sign: 1 }];
    for (const { client: from, box } of boxes) {
      const neighbour = neighbours.get(from);
      if (neighbour === undefined) refuse("neighbours", "shares are of no neighbour", { where: this.#me });
      const shares = opened(neighbour.sealing, session, from, client, box);
      if (shares !== undefined) kept.set(from, shares);
      const key = pairMaskKey(neighbour.masking, session, client, from);
      terms.push({ key, sign: from > client ? 1 : -1 });
    }
    const masked = Int32Array.from(values);
    await addMasks(masked, terms);
    const sharers = new Set([client, ...boxes.map((box) => box.client)]);
    this.#expect(joined, survivorsMessage, (bits) => this.#agree(joined, sharers, kept, bits));
    return this.#send(joined, maskedMessage, packBits(masked, plan.bits));
  }

  async #agree(
    joined: Joined,
    sharers: ReadonlySet<number>,
    kept: ReadonlyMap<number, Kept>,
    bits: Uint8Array,
  ): Promise<Uint8Array> {
    const { plan, shape, known } = joined;
    const { client, smallestSum } = this.#own;
    const survivors = new Set(membersOf(bits, plan.cohort));
    const near = known.filter((other) => survivors.has(other));
    if (!survivors.has(client) || near.some((other) => !sharers.has(other))) {
      refuse("survivors", "the sum leaves its receiver out, or takes in one that sent no shares", { where: this.#me });
    }
    this.#enough(near.length, plan.threshold, "of its neighbourhood are in the sum");
    this.#enough(survivors.size, smallestSum ?? 2, "are in the sum");
    const text = survivorsText(shape.session, bits);
    const signature = await this.#ports.curves.sign(this.#ports.identity, text);
    const reveal = [...sharers]
      .sort((a, b) => a - b)
      .flatMap((other): RevealedShare[] => {
        const shares = kept.get(other);
        if (shares === undefined) return [];
        const secret = survivors.has(other) ? "seed" : "key";
        return [{ client: other, secret, share: shares[secret] }];
      });
    this.#expect(joined, agreementsMessage, (signed) => this.#reveal(joined, near, text, signed, reveal));
    return this.#send(joined, agreementMessage, signature);
  }

  async #reveal(
    joined: Joined,
    near: readonly number[],
    text: Uint8Array,
    signed: ReturnType<typeof agreementsMessage.read>,
    shares: readonly RevealedShare[],
  ): Promise<Uint8Array> {
    const { curves, directory } = this.#ports;
    for (const { client, signature } of signed) {
      const identity = directory(client);
      const valid = identity !== undefined && near.includes(client) && (await curves.verify(identity, text, signature));
      if (!valid) refuse("signature", "a neighbour has not agreed to this sum", { where: `client ${client}` });
    }
    const others = signed.filter(({ client }) => client !== this.#own.client).length;
    this.#enough(others + 1, joined.plan.threshold, "have agreed to the sum");
    return this.#send(joined, revealMessage, shares);
  }

  /** Sets what comes next. It is gone before the step runs: a step that fails ends the round for this client. */
  #expect<T>(joined: Joined, codec: Codec<T>, step: (body: T) => Promise<Uint8Array>): void {
    this.#handle = (bytes) => {
      const body = decodeMessage(codec, joined.shape, SERVER, bytes);
      this.#handle = undefined;
      return step(body);
    };
  }

  #send<T>(joined: Joined, codec: Codec<T>, body: T): Uint8Array {
    return encodeMessage(codec, joined.shape.session, this.#own.client, body);
  }

  #enough(count: number, needed: number, what: string): void {
    if (count >= needed) return;
    refuse("too-few", `too few clients ${what}`, { where: this.#me, received: `${count}`, expected: `${needed}` });
  }
}

/** Refuses (`overflow`) values that the modulus has no room for. */
export function checkValues(values: Uint32Array, bits: number, where: string): void {
  const limit = 2 ** bits;
  if (values.some((value) => value >= limit)) {
    refuse("overflow", "a value is outside the modulus", { where, expected: `integers below 2^${bits}` });
  }
}

/** What a neighbour sealed, or undefined if it does not open: then others have shares of its secrets, this client not. */
function opened(sealing: Uint8Array, session: Uint8Array, from: number, to: number, box: Uint8Array): Kept | undefined {
  try {
    const plain = open(sealing, session, from, to, box);
    return { seed: plain.slice(0, SHARE_BYTES), key: plain.slice(SHARE_BYTES) };
  } catch (error) {
    asRefusal(error);
    return undefined;
  }
}
