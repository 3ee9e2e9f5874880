import { AnabranchError } from "@anabranch/engine";
import type { SecurePlan } from "../../privacy/secure-aggregation/check-plan.ts";
import { type Courier, driveRound } from "../../privacy/secure-aggregation/drive-round.ts";
import { secureEntropy } from "../../privacy/secure-aggregation/entropy.ts";
import { openServer } from "../../privacy/secure-aggregation/open-parties.ts";
import type { SecureServer, StageName } from "../../privacy/secure-aggregation/party.ts";
import { levels, modulusBits } from "../../privacy/secure-aggregation/quantization.ts";
import { cachedCurves, identityOf, testPlan } from "../../privacy/secure-aggregation/testing/rounds.ts";
import { INTEGERS, type IntegerEncoding } from "../../privacy/secure-aggregation-encoding/index.ts";
import { toBase64 } from "../base64.ts";
import { contentHashOf } from "../content-hash.ts";
import { secureRunName } from "../live-secure-aggregation.ts";
import type { SecureRecords } from "../ports.ts";
import { encodeIntroduction } from "../secure-introduction.ts";
import { SecureParticipant } from "../secure-participant.ts";
import type { SecureRecord } from "../secure-record.ts";

const RUN = "a-run";
const LENGTH = 5;
const COHORT: readonly number[] = [0, 1, 2, 3, 4];
const curves = cachedCurves();

/** Records in memory, which outlive a participant as a folder does. */
export function memoryRecords(): SecureRecords & { kept: SecureRecord | undefined } {
  return {
    kept: undefined,
    async load() {
      return structuredClone(this.kept);
    },
    async save(_run, record) {
      this.kept = structuredClone(record);
    },
  };
}

const RULE = { range: 1, bits: 8, maxWeight: 1, rounding: "nearest" } as const;
const QUANTIZED = { kind: "quantized", rule: RULE } as const;

interface Choices {
  readonly protocol?: "bonawitz" | "secagg+";
  readonly leastClients?: number;
  readonly rounds?: number;
  /** Default: rounded updates without noise. */
  readonly encoding?: IntegerEncoding;
  /** Added to the integers, as other noise would be. */
  readonly noise?: number;
}

/** A client with an update of a round, whose integers are 10 times its number and up. */
export function participantOf(
  client: number,
  records: SecureRecords = memoryRecords(),
  round = 1,
  { protocol = "bonawitz", leastClients = 3, rounds = 9, encoding = QUANTIZED, noise = 0 }: Choices = {},
): SecureParticipant {
  const { secret, publicKey } = identityOf(client);
  const participant = new SecureParticipant({
    ...{ run: RUN, client, population: 9, rounds, records, leastClients, curves, entropy: secureEntropy() },
    settings: {
      ...{ protocol, vector: "delta", size: LENGTH - 2, aggregation: "weightedMean", fewest: 2 },
      ...{ corrupted: 0, dropped: 0, integers: "kept", source: { kind: "seeded" } },
      encoding,
    },
    identity: { publicKey: toBase64(publicKey), sign: (bytes) => curves.sign(secret, bytes) },
  });
  const integers = Float64Array.from({ length: LENGTH }, (_, i) => 10 * client + i + noise);
  const numbers = { examples: 1, steps: 1, weight: 1, loss: 0 };
  participant.keep({ round, client, layoutHash: "l", vectors: { [INTEGERS]: integers }, public: numbers });
  return participant;
}

/** A plan as the server of the run makes it, but for what is given. */
export function livePlan(given: Partial<SecurePlan> = {}): SecurePlan {
  const cohort = given.cohort ?? COHORT;
  const nonce = secureEntropy().bytes(32);
  const bits = modulusBits(cohort.length, levels(RULE));
  return testPlan(cohort.length, { run: secureRunName(RUN), round: 1, length: LENGTH, bits, nonce, cohort, ...given });
}

export interface Session {
  readonly server: SecureServer;
  readonly introduction: Uint8Array;
}

/** A session of a plan that its server holds to be right. */
export function openSession(plan: SecurePlan, keyOf = (client: number) => identityOf(client).publicKey): Session {
  const server = openServer(plan, { curves, directory: (client) => identityOf(client).publicKey });
  const keys = new Map(plan.cohort.map((client) => [client, keyOf(client)]));
  return { server, introduction: encodeIntroduction({ plan: server.firstMessage, keys }) };
}

/** Says something to a client; its answer, or the code of its refusal. */
export async function say(participant: SecureParticipant, stage: StageName, message: Uint8Array) {
  try {
    return await participant.answer(stage, await contentHashOf(message), message);
  } catch (error) {
    if (error instanceof AnabranchError) return error.code.replace("secure-aggregation/", "");
    throw error;
  }
}

/** Runs a session to its end. `hears`: whether a client hears of a stage; without it, it is silent. */
export async function runSession(
  { server, introduction }: Session,
  participants: ReadonlyMap<number, SecureParticipant>,
  hears: (stage: StageName, client: number) => boolean = () => true,
) {
  const refusals = new Map<number, string>();
  const messages: { readonly stage: StageName; readonly client: number; readonly message: Uint8Array }[] = [];
  const courier: Courier = {
    async carry(stage, all, take) {
      for (const [client, message] of all) {
        if (!hears(stage, client)) continue;
        messages.push({ stage, client, message });
        const answer = await say(participants.get(client)!, stage, message);
        if (typeof answer === "string") refusals.set(client, answer);
        else await take(client, { message: answer });
      }
    },
  };
  const cohort = [...participants.keys()].sort((a, b) => a - b);
  return { outcome: await driveRound(server, cohort, courier, () => 0, introduction), refusals, messages };
}

/** Clients of the usual cohort with what each remembers. */
export function clientsOf(cohort: readonly number[] = COHORT, choices: Choices = {}) {
  const records = new Map(cohort.map((client) => [client, memoryRecords()]));
  const participants = new Map(
    cohort.map((client) => [client, participantOf(client, records.get(client), 1, choices)]),
  );
  return { records, participants };
}
