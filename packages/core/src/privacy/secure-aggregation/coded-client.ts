import { advertKeys, checkAdvert } from "./adverts.ts";
import { decodeMessage, decodePlanMessage, encodeMessage, SERVER } from "./envelope.ts";
import { combinePieces, FIELD_PRIME, lagrangeWeights, uniformElements } from "./field.ts";
import { advertText, HASH_BYTES, MASK_KEY_BYTES, open, seal } from "./keys.ts";
import {
  advertMessage,
  advertsMessage,
  boxesMessage,
  type Codec,
  codedSumMessage,
  maskedMessage,
  sharesMessage,
  survivorsMessage,
  type WireShape,
} from "./messages.ts";
import { packBits, unpackBits } from "./packing.ts";
import {
  type ClientPorts,
  checkParticipation,
  codedLength,
  membersOf,
  type Participation,
  type Reply,
  shapeOf,
} from "./party.ts";
import type { SecurePlan } from "./plan.ts";
import { KEY_BYTES } from "./public-key.ts";
import { asRefusal, inTurn, refuse } from "./refusal.ts";

interface Joined {
  readonly plan: SecurePlan;
  readonly shape: WireShape;
  readonly sealingSecret: Uint8Array;
}

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
 * through all U. It uploads x + z, and when the survivors are known the sum of the values that it holds of their masks.
 *
 * All T extra pieces are drawn afresh: with pieces of zeros, as in one released copy, a single value would tell of z.
 * Messages are treated as by `PairwiseClient`.
 */
export class CodedClient {
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
    checkParticipation(plan, "coded", this.#own);
    if (this.#own.values.some((value) => value >= FIELD_PRIME)) {
      refuse("overflow", "a value is outside the field", { where: this.#me, expected: `below ${FIELD_PRIME}` });
    }
    const { entropy, curves, identity } = this.#ports;
    const joined = { plan, shape: shapeOf(plan), sealingSecret: entropy.bytes(KEY_BYTES) };
    const keys = await curves.publicKey(joined.sealingSecret);
    const signature = await curves.sign(identity, advertText(joined.shape.session, this.#own.client, keys));
    this.#expect(joined, advertsMessage, (adverts) => this.#share(joined, adverts));
    return this.#send(joined, advertMessage, { keys, signature });
  }

  async #share(joined: Joined, adverts: ReturnType<typeof advertsMessage.read>): Promise<Uint8Array> {
    const { plan, shape } = joined;
    const { client } = this.#own;
    const { curves, directory, entropy } = this.#ports;
    if (adverts.some((advert) => advert.client === client || !plan.cohort.includes(advert.client))) {
      refuse("neighbours", "keys are of no other client of the cohort", { where: this.#me });
    }
    this.#enough(adverts.length + 1, plan, "have advertised keys");
    const length = codedLength(plan);
    const elements = await uniformElements(entropy.bytes(MASK_KEY_BYTES), plan.threshold * length);
    const pieces = Array.from({ length: plan.threshold }, (_, k) => elements.subarray(k * length, (k + 1) * length));
    const points = [...adverts.map((advert) => advert.client), client].map((owner) => clientPoint(plan, owner));
    const weights = lagrangeWeights(piecePoints(plan), points);
    const secrets = new Map<number, Uint8Array>();
    const boxes = [];
    for (const [i, advert] of adverts.entries()) {
      await checkAdvert(advert, advert.client, shape.session, curves, directory, "client");
      const shared = await curves.sharedSecret(joined.sealingSecret, advertKeys(advert)[0]!);
      secrets.set(advert.client, shared);
      const value = packBits(combinePieces(weights[i]!, pieces), plan.bits);
      boxes.push({ client: advert.client, box: seal(shared, shape.session, client, advert.client, value) });
    }
    const mine = combinePieces(weights[adverts.length]!, pieces);
    const mask = elements.slice(0, plan.length);
    this.#expect(joined, boxesMessage, (received) => this.#mask(joined, secrets, mine, mask, received));
    return this.#send(joined, sharesMessage, { commitment: new Uint8Array(HASH_BYTES), boxes });
  }

  async #mask(
    joined: Joined,
    secrets: ReadonlyMap<number, Uint8Array>,
    mine: Uint32Array,
    mask: Uint32Array,
    boxes: ReturnType<typeof boxesMessage.read>,
  ): Promise<Uint8Array> {
    const { plan, shape } = joined;
    const { client, values } = this.#own;
    this.#enough(boxes.length + 1, plan, "have sent shares");
    const held = new Map([[client, mine]]);
    for (const { client: from, box } of boxes) {
      const shared = secrets.get(from);
      if (shared === undefined) refuse("neighbours", "shares are of no other client", { where: this.#me });
      // A share that does not open ends the round for this client: its sum of coded masks could not be right.
      const packed = open(shared, shape.session, from, client, box);
      held.set(from, elementsOf(packed, codedLength(plan), plan.bits, `coded mask of client ${from}`));
    }
    this.#expect(joined, survivorsMessage, (bits) => this.#recover(joined, held, bits));
    const masked = values.map((value, i) => (value + mask[i]!) % FIELD_PRIME);
    return this.#send(joined, maskedMessage, packBits(masked, plan.bits));
  }

  async #recover(joined: Joined, held: ReadonlyMap<number, Uint32Array>, bits: Uint8Array): Promise<Uint8Array> {
    const { plan } = joined;
    const survivors = membersOf(bits, plan.cohort);
    if (!survivors.includes(this.#own.client) || survivors.some((other) => !held.has(other))) {
      refuse("survivors", "the sum leaves its receiver out, or takes in one that sent no shares", { where: this.#me });
    }
    this.#enough(survivors.length, plan, "are in the sum");
    if (survivors.length < (this.#own.smallestSum ?? 2)) refuse("too-few", "too few clients are in the sum");
    const ones = survivors.map(() => 1);
    const sum = combinePieces(
      ones,
      survivors.map((other) => held.get(other)!),
    );
    return this.#send(joined, codedSumMessage, packBits(sum, plan.bits));
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

  #enough(count: number, plan: SecurePlan, what: string): void {
    if (count >= plan.threshold) return;
    const details = { where: this.#me, received: `${count}`, expected: `${plan.threshold}` };
    refuse("too-few", `too few clients ${what}`, details);
  }
}

/** Unpacks field elements; refuses (`malformed`) words that are none. */
export function elementsOf(packed: Uint8Array, count: number, bits: number, where: string): Uint32Array {
  const elements = unpackBits(packed, count, bits, where);
  if (elements.some((element) => element >= FIELD_PRIME)) {
    refuse("malformed", "a vector holds what is no element of the field", { where });
  }
  return elements;
}
