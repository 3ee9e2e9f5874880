import { AnabranchError } from "@anabranch/engine";
import { contentHashOf } from "./content-hash.ts";
import type { EnrolledClient, JoinToken, Ledger, ListedToken, Timers, TokenOptions } from "./ports.ts";

/** Why a client may not join, or its place in the run. */
export type Admission =
  | { readonly client: EnrolledClient }
  | { readonly refused: { readonly code: string; readonly message: string; readonly advice?: string } };

export interface Applicant {
  readonly publicKey: string;
  readonly token: string;
  readonly name: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly client: number | undefined;
}

/** Who takes part in a run: numbers 0 to population - 1, each bound to a key. A key keeps its number. */
export class Roll {
  readonly #ledger: Ledger;
  readonly #timers: Timers;
  readonly #population: number;
  readonly #clients = new Map<number, EnrolledClient>();
  readonly #tokens = new Map<string, JoinToken>();
  /** Of clients that the ledger does not have yet. */
  readonly #writes = new Map<number, Promise<void>>();
  #closed = false;

  private constructor(ledger: Ledger, timers: Timers, population: number) {
    this.#ledger = ledger;
    this.#timers = timers;
    this.#population = population;
  }

  static async open(ledger: Ledger, timers: Timers, population: number): Promise<Roll> {
    const roll = new Roll(ledger, timers, population);
    for (const client of await ledger.clients()) roll.#clients.set(client.client, client);
    for (const token of await ledger.tokens()) roll.#tokens.set(token.hash, token);
    return roll;
  }

  get clients(): readonly EnrolledClient[] {
    return [...this.#clients.values()].sort((a, b) => a.client - b.client);
  }

  /** The run is over: its ledger takes no more changes. */
  close(): void {
    this.#closed = true;
  }

  /** Whether somebody takes part with this number. */
  has(client: number): boolean {
    return this.#clients.get(client)?.status === "enrolled";
  }

  /** Decides on a client that has proved to hold its key. A known key needs no token. */
  async admit(applicant: Applicant): Promise<Admission> {
    const known = [...this.#clients.values()].find(({ publicKey }) => publicKey === applicant.publicKey);
    if (known?.status === "ejected") return refusal("live/ejected", "the operator has ejected this client");
    if (known !== undefined) {
      if (applicant.client !== undefined && applicant.client !== known.client)
        return refusal("live/number", `this identity is client ${known.client} of the run, not ${applicant.client}`);
      await this.#writes.get(known.client); // a server that is started again must know it too
      return { client: known };
    }
    if (this.#closed) return refusal("live/over", RUN_OVER);
    const token = this.#tokens.get(await hashOfToken(applicant.token));
    if (token === undefined || token.revoked) {
      const advice = "Copy the whole join link again, or ask the operator for a new one.";
      return refusal("live/token", "the join token is not valid for this run", advice);
    }
    if (token.expires !== undefined && token.expires <= this.#timers.date()) {
      const advice = "Ask the operator for a new one. Where this should not be, compare the clocks of both machines.";
      return refusal("live/token-expired", "the join token has expired", advice);
    }
    return this.#enrol(applicant, token);
  }

  async #enrol({ publicKey, name, labels, client: wanted }: Applicant, token: JoinToken): Promise<Admission> {
    if (token.client !== undefined && wanted !== undefined && token.client !== wanted)
      return refusal("live/number", `the join token admits client ${token.client}, not ${wanted}`);
    const client = token.client ?? wanted ?? this.#lowestFree();
    if (client === undefined || client >= this.#population)
      return refusal("live/full", `the run has ${this.#population} clients, and all places are taken`);
    if (this.#clients.has(client)) return refusal("live/number", `client ${client} has joined with another identity`);
    if (token.places !== undefined && this.#joinedWith(token.hash).length >= token.places) {
      const advice = "Ask the operator for a token of your own. A client that has joined needs none: use its folder.";
      return refusal("live/token-used", "as many clients have joined with this token as it admits", advice);
    }
    const enrolled: EnrolledClient = {
      client,
      publicKey,
      name: name ?? `client ${client}`,
      labels,
      status: "enrolled",
      token: token.hash,
    };
    this.#clients.set(client, enrolled); // at once: the next applicant must not get the same place
    const write = this.#ledger.putClient(enrolled);
    this.#writes.set(client, write);
    try {
      await write;
    } catch (error) {
      this.#clients.delete(client);
      throw error;
    } finally {
      this.#writes.delete(client);
    }
    return { client: enrolled };
  }

  #lowestFree(): number | undefined {
    for (let client = 0; client < this.#population; client++) if (!this.#clients.has(client)) return client;
    return undefined;
  }

  /** @throws `live/over` */
  async setStatus(client: number, status: EnrolledClient["status"]): Promise<boolean> {
    this.#requireOpen();
    const known = this.#clients.get(client);
    if (known === undefined) return false;
    const changed = { ...known, status };
    this.#clients.set(client, changed);
    await this.#ledger.putClient(changed);
    return true;
  }

  get tokens(): readonly ListedToken[] {
    return [...this.#tokens.values()].map((token) => ({ ...token, clients: this.#joinedWith(token.hash) }));
  }

  #joinedWith(token: string): number[] {
    return this.clients.filter((client) => client.token === token).map(({ client }) => client);
  }

  /** Makes a token known; what is stored is its hash. Throws `live/over`. */
  async addToken(token: string, { expires, client, places }: TokenOptions): Promise<void> {
    this.#requireOpen();
    const added = { hash: await hashOfToken(token), expires, client, places, revoked: false };
    this.#tokens.set(added.hash, added);
    await this.#ledger.putToken(added);
  }

  /** @throws `live/over` */
  async revokeToken(hash: string): Promise<boolean> {
    this.#requireOpen();
    const known = this.#tokens.get(hash);
    if (known === undefined) return false;
    this.#tokens.set(hash, { ...known, revoked: true });
    await this.#ledger.putToken({ ...known, revoked: true });
    return true;
  }

  #requireOpen(): void {
    if (!this.#closed) return;
    const advice = "Look at it with: anabranch show RUN";
    throw new AnabranchError({ code: "live/over", message: RUN_OVER, advice });
  }
}

const RUN_OVER = "the run has ended";

function hashOfToken(token: string): Promise<string> {
  return contentHashOf(new TextEncoder().encode(token));
}

function refusal(code: string, message: string, advice?: string): Admission {
  return { refused: { code, message, ...(advice === undefined ? {} : { advice }) } };
}
