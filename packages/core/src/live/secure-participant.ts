import { AnabranchError } from "@anabranch/engine";
import type { SecurePlan } from "../privacy/secure-aggregation/check-plan.ts";
import type { Curves } from "../privacy/secure-aggregation/curves.ts";
import type { Entropy } from "../privacy/secure-aggregation/entropy.ts";
import { decodePlanMessage } from "../privacy/secure-aggregation/envelope.ts";
import { openClient } from "../privacy/secure-aggregation/open-parties.ts";
import type { SecureClient, StageName } from "../privacy/secure-aggregation/party.ts";
import { INTEGERS, type SecureAggregationSettings } from "../privacy/secure-aggregation-encoding/index.ts";
import type { Update } from "../protocol/index.ts";
import { toBase64 } from "./base64.ts";
import { secureRunName } from "./live-secure-aggregation.ts";
import type { ClientIdentity, SecureRecords } from "./ports.ts";
import { decodeIntroduction, type Introduction } from "./secure-introduction.ts";
import { refusal, requireFresh, requireRule, settingsHash, termsOf } from "./secure-plan-checks.ts";
import type { SecureRecord } from "./secure-record.ts";
import { WITHHELD } from "./withheld.ts";

export interface ParticipantPorts {
  readonly run: string;
  readonly client: number;
  /** Clients of the run have smaller numbers. */
  readonly population: number;
  /** Of the run: there is no sum of a later round. */
  readonly rounds: number;
  readonly settings: SecureAggregationSettings;
  readonly identity: ClientIdentity;
  readonly records: SecureRecords;
  /** Fewest clients in whose sum this client hides, as its operator has set. */
  readonly leastClients: number;
  readonly curves: Curves;
  readonly entropy: Entropy;
}

const NOTHING: SecureRecord = { round: 0, terms: "0".repeat(64), answered: false, keys: {} };

/**
 * A client's part in secure aggregation. It keeps the integers of its newest update, which leave it under masks alone, and
 * answers the messages of the server.
 *
 * - It takes part in the newest round alone that it has an update of, under settings that stay.
 * - Sessions of one round may differ in their nonce alone: they have the same cohort, plan, update and noise. The client
 *   answers in one of them, whatever is restarted. So it is in one sum per round, and in as many as the run has rounds.
 * - The key of another client is the one that it has seen first.
 *
 * Refusals are errors: `secure-aggregation/...`, and `store/...` where it cannot note what it must not forget.
 */
export class SecureParticipant {
  readonly #ports: ParticipantPorts;
  #kept: { readonly round: number; readonly values: Uint32Array } | undefined;
  #party: SecureClient | undefined;
  #record: SecureRecord | undefined;
  /** The newest message by its hash, and its answer, should the answer be lost. */
  #last: { readonly hash: string; readonly answer: Uint8Array } | undefined;

  constructor(ports: ParticipantPorts) {
    this.#ports = ports;
  }

  /** Keeps the integers of an update; returns what is left of it for the server to see: that there is one. */
  keep(update: Update): Update {
    this.#kept = { round: update.round, values: new Uint32Array(update.vectors[INTEGERS]!) };
    return { ...update, vectors: {}, public: WITHHELD };
  }

  /** Answers a message. The same message again gets the same answer. @param hash of the message */
  async answer(stage: StageName, hash: string, message: Uint8Array): Promise<Uint8Array> {
    if (this.#last?.hash === hash) return this.#last.answer;
    const answer = stage === "advertise" ? await this.#join(message) : await this.#continue(message);
    this.#last = { hash, answer };
    return answer;
  }

  async #continue(message: Uint8Array): Promise<Uint8Array> {
    if (this.#party !== undefined) return received(this.#party, message);
    throw refusal("no-session", "this client has no part in the session: it was started after its beginning");
  }

  async #join(message: Uint8Array): Promise<Uint8Array> {
    this.#party = undefined;
    const { run, records } = this.#ports;
    const introduction = decodeIntroduction(message);
    const plan = decodePlanMessage(introduction.plan);
    this.#record ??= (await records.load(run)) ?? NOTHING;
    const settings = this.#requireSettings(plan, this.#record);
    const values = this.#requireUpdate(plan);
    this.#requireEnough(plan);
    requireRule(plan, this.#ports.settings);
    const keys = this.#pin(introduction, this.#record);
    const terms = termsOf(plan, values);
    requireFresh(plan.round, terms, this.#record);
    const party = this.#open(plan.round, values, introduction);
    const answer = await received(party, introduction.plan);
    await this.#note({ round: plan.round, settings, terms, answered: false, keys });
    this.#party = party;
    return answer;
  }

  #open(round: number, values: Uint32Array, { keys }: Introduction): SecureClient {
    const { run, client, settings, identity, curves, entropy } = this.#ports;
    const least = Math.max(settings.fewest, sharesOf(settings), this.#ports.leastClients);
    // in a sum of so many, all but one can always take the mask of that one off
    const limits = { smallestSum: least, smallestThreshold: Math.max(2, least - 1) };
    return openClient(
      settings.protocol === "lightsecagg" ? "coded" : "pairwise",
      { client, run: secureRunName(run), round, values, ...limits },
      {
        ...{ curves, entropy },
        directory: (other) => keys.get(other),
        sign: (text) => identity.sign(new Uint8Array(text)),
        beforeReveal: () => this.#note({ ...this.#record!, answered: true }),
      },
    );
  }

  async #note(record: SecureRecord): Promise<void> {
    await this.#ports.records.save(this.#ports.run, record);
    this.#record = record;
  }

  #requireUpdate({ round }: SecurePlan): Uint32Array {
    if (this.#kept?.round === round) return this.#kept.values;
    const has = this.#kept === undefined ? "none" : `one of round ${this.#kept.round}`;
    throw refusal("no-update", "this client has no update of the round", has, `one of round ${round}`);
  }

  /** @returns hash of the settings */
  #requireSettings({ round }: SecurePlan, record: SecureRecord): string {
    const { settings, rounds } = this.#ports;
    if (round > rounds) throw refusal("late-round", "the run has fewer rounds", `round ${round}`, `at most ${rounds}`);
    const hash = settingsHash(settings, rounds);
    if (record.settings === undefined || record.settings === hash) return hash;
    throw refusal("other-settings", "the run was to have other settings of secure aggregation, or other rounds");
  }

  #requireEnough({ cohort }: SecurePlan): void {
    const { leastClients } = this.#ports;
    if (cohort.length >= leastClients) return;
    throw new AnabranchError({
      code: "secure-aggregation/too-few",
      message: "this client does not hide among so few clients",
      received: `a cohort of ${cohort.length}`,
      expected: `at least ${leastClients}`,
      advice: "Ask the operator of the server for a larger cohort, or join with a smaller --least-clients.",
    });
  }

  /** The keys that are known after this introduction. A key that has changed, and one in place of the own, are refused. */
  #pin({ keys }: Introduction, { keys: known }: SecureRecord): Readonly<Record<string, string>> {
    const { client, population, identity } = this.#ports;
    const pinned: Record<string, string> = { ...known };
    for (const [other, bytes] of keys) {
      const key = toBase64(bytes);
      if (other >= population) throw refusal("stranger", "a key is of no client of the run", `client ${other}`);
      const expected = other === client ? identity.publicKey : known[other];
      if (expected !== undefined && expected !== key) throw changedKey(other, key, expected);
      pinned[other] = key;
    }
    return pinned;
  }
}

/** Clients whose noise has to be in a sum. */
function sharesOf({ encoding }: SecureAggregationSettings): number {
  return encoding.kind === "noised" ? encoding.mechanism.survivors : 0;
}

async function received(party: SecureClient, message: Uint8Array): Promise<Uint8Array> {
  const reply = await party.receive(message);
  if ("message" in reply) return reply.message;
  throw new AnabranchError(reply.refusal);
}

function changedKey(client: number, received: string, expected: string): AnabranchError {
  return new AnabranchError({
    code: "secure-aggregation/changed-key",
    message: `the server says another key of client ${client} than before`,
    ...{ received, expected },
    advice: "Somebody may want to take that client's place: ask its operator whether the key is theirs.",
  });
}
