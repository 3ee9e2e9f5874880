import type { SecurePlan } from "./check-plan.ts";
import { decodeMessage, encodeMessage, encodePlanMessage, SERVER } from "./envelope.ts";
import { checkKeyAdvertisement } from "./key-advertisement.ts";
import {
  type Box,
  boxesMessage,
  type Codec,
  type KeyAdvertisement,
  keyAdvertisementMessage,
  keyAdvertisementsMessage,
  type Shares,
  sharesMessage,
  type WireShape,
} from "./messages.ts";
import {
  type Receipt,
  type SecureServer,
  type ServerPorts,
  type StageName,
  type StageResult,
  shapeOf,
} from "./party.ts";
import { neighbourhoods } from "./plan.ts";
import { asRefusal, inTurn, refuse, roundFailure } from "./refusal.ts";

/** A stage of the server: what it waits for, what it does with each message, and what follows when it is closed. */
export interface ServerStage<T> {
  readonly name: StageName;
  readonly codec: Codec<T>;
  /** Clients that may speak. */
  readonly from: ReadonlySet<number>;
  /** Refuses or keeps a message. */
  accept(client: number, body: T): Promise<void>;
  /** Given who was accepted. */
  close(present: ReadonlySet<number>): Promise<StageResult>;
}

/**
 * What the servers of both protocols share: stages in order, one message of each client in each, keys and sealed shares
 * handed on. A message is accepted once; the first counts.
 *
 * A round that cannot go on ends with a reason (`too-few`, `rebuild`, `decode`); whatever the server holds by then is
 * masked, and it lets go of it.
 */
export abstract class RoundServer implements SecureServer {
  readonly firstMessage: Uint8Array;
  protected readonly plan: SecurePlan;
  protected readonly ports: ServerPorts;
  protected readonly shape: WireShape;
  protected readonly neighbours: ReadonlyMap<number, readonly number[]>;
  protected readonly advertisements = new Map<number, KeyAdvertisement>();
  protected readonly commitments = new Map<number, Uint8Array>();
  readonly #boxes = new Map<number, readonly Box[]>();
  readonly #turn = inTurn();
  readonly #accepted = new Set<number>();
  #stage: ServerStage<unknown> | undefined;

  constructor(plan: SecurePlan, ports: ServerPorts) {
    this.firstMessage = encodePlanMessage(plan);
    this.plan = plan;
    this.ports = ports;
    this.shape = shapeOf(plan);
    this.neighbours = neighbourhoods(plan);
    this.#stage = this.#advertise() as ServerStage<unknown>;
  }

  get stage(): StageName | "ended" {
    return this.#stage?.name ?? "ended";
  }

  /** Takes a message that came over the connection of `from`. */
  receive(from: number, bytes: Uint8Array): Promise<Receipt> {
    return this.#turn(async () => {
      try {
        const where = `client ${from}`;
        const stage = this.#stage;
        if (stage === undefined) refuse("over", "the round has ended", { where });
        const body = decodeMessage(stage.codec, this.shape, from, bytes);
        if (!stage.from.has(from)) refuse("stranger", "a client has no part in this stage", { where });
        if (this.#accepted.has(from)) refuse("duplicate", "a client has already sent this message", { where });
        await stage.accept(from, body);
        this.#accepted.add(from);
        return { accepted: true };
      } catch (error) {
        return asRefusal(error);
      }
    });
  }

  /** Ends the stage with those who have spoken. */
  close(): Promise<StageResult> {
    return this.#turn(async () => {
      const stage = this.#stage;
      if (stage === undefined) return roundFailure("over", "the round has ended");
      const present = new Set([...this.#accepted].sort((a, b) => a - b));
      this.#accepted.clear();
      this.#stage = undefined;
      const closed = await stage.close(present);
      if (this.#stage === undefined) this.forget();
      return closed;
    });
  }

  /** Enters the stage that follows. */
  protected next<T>(stage: ServerStage<T>): void {
    this.#stage = stage as ServerStage<unknown>;
  }

  /** What comes after the sealed shares have been handed on to `sharers`. */
  protected abstract collect(sharers: ReadonlySet<number>): ServerStage<Uint8Array>;

  /** Lets go of everything of the round. */
  protected forget(): void {
    this.advertisements.clear();
    this.commitments.clear();
    this.#boxes.clear();
  }

  /** Ends the round unless enough clients are there. */
  protected tooFew(present: ReadonlySet<number>, what: string): StageResult | undefined {
    if (present.size >= this.plan.threshold) return undefined;
    return roundFailure("too-few", `too few clients ${what}`, `${present.size}`, `at least ${this.plan.threshold}`);
  }

  protected to<T>(clients: Iterable<number>, codec: Codec<T>, body: (client: number) => T): StageResult {
    const encode = (client: number) => encodeMessage(codec, this.shape.session, SERVER, body(client));
    return { messages: new Map(Array.from(clients, (client) => [client, encode(client)])) };
  }

  /** The client's neighbourhood, itself in it, as far as it is present; ascending. */
  protected near(client: number, present: ReadonlySet<number>): number[] {
    return this.neighbours.get(client)!.filter((other) => present.has(other));
  }

  #advertise(): ServerStage<KeyAdvertisement> {
    return {
      name: "advertise",
      codec: keyAdvertisementMessage,
      from: new Set(this.plan.cohort),
      accept: async (client, advertisement) => {
        const { curves, directory } = this.ports;
        await checkKeyAdvertisement(advertisement, client, this.shape.session, curves, directory, "server");
        this.advertisements.set(client, advertisement);
      },
      close: async (present) => {
        const end = this.tooFew(present, "have advertised keys");
        if (end !== undefined) return end;
        this.next(this.#share(present));
        const others = (client: number) => this.near(client, present).filter((other) => other !== client);
        const advertisements = (client: number) =>
          others(client).map((other) => ({ client: other, ...this.advertisements.get(other)! }));
        return this.to(present, keyAdvertisementsMessage, advertisements);
      },
    };
  }

  #share(advertised: ReadonlySet<number>): ServerStage<Shares> {
    return {
      name: "share",
      codec: sharesMessage,
      from: advertised,
      accept: async (client, { commitment, boxes }) => {
        const expected = this.near(client, advertised).filter((other) => other !== client);
        if (expected.length !== boxes.length || boxes.some((box, i) => box.client !== expected[i])) {
          refuse("neighbours", "shares are not for the client's neighbours", { where: `client ${client}` });
        }
        this.#boxes.set(client, boxes);
        this.commitments.set(client, commitment);
      },
      close: async (present) => {
        const end = this.tooFew(present, "have sent shares");
        if (end !== undefined) return end;
        this.next(this.collect(present));
        const forwarded = (client: number) =>
          this.near(client, present)
            .filter((other) => other !== client)
            .map((other) => ({ client: other, box: this.#boxFrom(other, client) }));
        const closed = this.to(present, boxesMessage, forwarded);
        this.#boxes.clear();
        return closed;
      },
    };
  }

  #boxFrom(from: number, to: number): Uint8Array {
    return this.#boxes.get(from)!.find((box) => box.client === to)!.box;
  }
}
