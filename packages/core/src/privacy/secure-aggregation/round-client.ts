import { checkAgreement } from "./agreement.ts";
import type { SecurePlan } from "./check-plan.ts";
import { decodeMessage, decodePlanMessage, encodeMessage, SERVER } from "./envelope.ts";
import { advertisedKeys, checkKeyAdvertisement } from "./key-advertisement.ts";
import { keyAdvertisementText, survivorsText } from "./keys.ts";
import {
  agreementMessage,
  agreementsMessage,
  type ClientKeyAdvertisement,
  type ClientSignature,
  type Codec,
  keyAdvertisementMessage,
  keyAdvertisementsMessage,
  survivorsMessage,
  type WireShape,
} from "./messages.ts";
import {
  type ClientPorts,
  checkParticipation,
  membersOf,
  type Participation,
  type Reply,
  type SecureClient,
  shapeOf,
} from "./party.ts";
import { connectedMembers, neighbourhoods } from "./plan.ts";
import { KEY_BYTES } from "./public-key.ts";
import { asRefusal, inTurn, refuse } from "./refusal.ts";
import { concat } from "./wire.ts";

/** The plan, what follows from it, and the secret keys of which the public ones are advertised. */
export interface ClientRound {
  readonly plan: SecurePlan;
  readonly shape: WireShape;
  /** The client and its neighbours, ascending. */
  readonly known: readonly number[];
  readonly secrets: readonly Uint8Array[];
}

/** A neighbour that advertised keys, with the X25519 secret that it shares with the client for each of them. */
export interface Neighbour {
  readonly client: number;
  readonly shared: readonly Uint8Array[];
}

/**
 * What the clients of both protocols share: steps in order, each begun by the one message that the client waits for.
 *
 * A message that cannot be read, or that it does not wait for, leaves it as it was. A message that can be read and asks
 * what no honest server asks ends it: it forgets its secrets and refuses everything (`over`).
 */
export abstract class RoundClient implements SecureClient {
  protected readonly own: Participation;
  protected readonly ports: ClientPorts;
  readonly #turn = inTurn();
  #step: ((bytes: Uint8Array) => Promise<Uint8Array>) | undefined;

  constructor(participation: Participation, ports: ClientPorts) {
    this.own = participation;
    this.ports = ports;
    this.#step = (bytes) => this.#join(bytes);
  }

  /** Answers a message of the server. */
  receive(bytes: Uint8Array): Promise<Reply> {
    return this.#turn(async () => {
      try {
        if (this.#step === undefined) refuse("over", "the client has done its part of this round", { where: this.me });
        return { message: await this.#step(bytes) };
      } catch (error) {
        return asRefusal(error);
      }
    });
  }

  protected abstract readonly protocol: SecurePlan["protocol"];
  /** Refuses (`overflow`) values for which there is no room. */
  protected abstract checkValues(plan: SecurePlan): void;
  /** Answers the key advertisements of the neighbours with shares. */
  protected abstract share(round: ClientRound, neighbours: readonly Neighbour[]): Promise<Uint8Array>;

  protected get me(): string {
    return `client ${this.own.client}`;
  }

  /** Sets what comes next. It is gone before the step runs: a step that fails ends the round for this client. */
  protected expect<T>(round: ClientRound, codec: Codec<T>, step: (body: T) => Promise<Uint8Array>): void {
    this.#step = (bytes) => {
      const body = decodeMessage(codec, round.shape, SERVER, bytes);
      this.#step = undefined;
      return step(body);
    };
  }

  protected send<T>(round: ClientRound, codec: Codec<T>, body: T): Uint8Array {
    return encodeMessage(codec, round.shape.session, this.own.client, body);
  }

  protected enough(count: number, needed: number, what: string): void {
    if (count >= needed) return;
    refuse("too-few", `too few clients ${what}`, { where: this.me, received: `${count}`, expected: `${needed}` });
  }

  /**
   * Waits for the survivors and signs them; gives `answer` when as many of its neighbourhood as the threshold says have
   * signed the same (see `checkAgreement`). Refuses a signature of something else or of a client that is not in the sum
   * (`signature`), and too few of them (`too-few`).
   */
  protected expectSurvivors(
    round: ClientRound,
    sharers: ReadonlySet<number>,
    answer: (survivors: ReadonlySet<number>) => Promise<Uint8Array>,
  ): void {
    this.expect(round, survivorsMessage, async (bits) => {
      const survivors = this.#survivorsOf(round, bits, sharers);
      const text = survivorsText(round.shape.session, bits);
      const signature = await this.ports.sign(text);
      this.expect(round, agreementsMessage, async (signed) => {
        await this.#checkQuorum(round, survivors, text, signed);
        await this.ports.beforeReveal?.();
        return answer(survivors);
      });
      return this.send(round, agreementMessage, signature);
    });
  }

  async #checkQuorum(
    { plan, known }: ClientRound,
    survivors: ReadonlySet<number>,
    text: Uint8Array,
    signed: readonly ClientSignature[],
  ): Promise<void> {
    for (const { client, signature } of signed) {
      if (!known.includes(client) || !survivors.has(client)) {
        refuse("signature", "a signature is of no neighbour in the sum", { where: `agreement of client ${client}` });
      }
      await checkAgreement(client, signature, text, this.ports);
    }
    // the decoder refuses a client that is listed twice
    const others = signed.filter(({ client }) => client !== this.own.client).length;
    this.enough(others + 1, plan.threshold, "have agreed to the sum");
  }

  /**
   * The clients in the sum. Refuses sets that leave the client out, take in a neighbour that sent no shares
   * (`survivors`), or hide it among too few (`too-few`).
   */
  #survivorsOf({ plan, known }: ClientRound, bits: Uint8Array, sharers: ReadonlySet<number>): ReadonlySet<number> {
    const survivors = new Set(membersOf(bits, plan.cohort));
    const near = known.filter((other) => survivors.has(other));
    if (!survivors.has(this.own.client) || near.some((other) => !sharers.has(other))) {
      refuse("survivors", "the sum leaves its receiver out, or takes in one that sent no shares", { where: this.me });
    }
    this.enough(near.length, plan.threshold, "of its neighbourhood are in the sum");
    const hidden = connectedMembers(plan, this.own.client, survivors);
    this.enough(hidden, this.own.smallestSum ?? 2, "are in the sum and hide each other");
    return survivors;
  }

  async #join(bytes: Uint8Array): Promise<Uint8Array> {
    const plan = decodePlanMessage(bytes);
    checkParticipation(plan, this.protocol, this.own);
    this.checkValues(plan);
    const { entropy, curves } = this.ports;
    const shape = shapeOf(plan);
    const secrets = Array.from({ length: shape.keys }, () => entropy.bytes(KEY_BYTES));
    const round: ClientRound = { plan, shape, known: neighbourhoods(plan).get(this.own.client)!, secrets };
    const keys = concat(...(await Promise.all(secrets.map((secret) => curves.publicKey(secret)))));
    const signature = await this.ports.sign(keyAdvertisementText(shape.session, this.own.client, keys));
    this.expect(round, keyAdvertisementsMessage, (advertisements) => this.#meet(round, advertisements));
    return this.send(round, keyAdvertisementMessage, { keys, signature });
  }

  async #meet(round: ClientRound, advertisements: readonly ClientKeyAdvertisement[]): Promise<Uint8Array> {
    const { plan, shape, known, secrets } = round;
    const { curves, directory } = this.ports;
    if (advertisements.some(({ client }) => client === this.own.client || !known.includes(client))) {
      refuse("neighbours", "keys are of no neighbour", { where: this.me });
    }
    this.enough(advertisements.length + 1, plan.threshold, "have advertised keys");
    const neighbours: Neighbour[] = [];
    for (const advertisement of advertisements) {
      await checkKeyAdvertisement(advertisement, advertisement.client, shape.session, curves, directory, "client");
      const keys = advertisedKeys(advertisement);
      const shared = await Promise.all(secrets.map((secret, i) => curves.sharedSecret(secret, keys[i]!)));
      neighbours.push({ client: advertisement.client, shared });
    }
    return this.share(round, neighbours);
  }
}
