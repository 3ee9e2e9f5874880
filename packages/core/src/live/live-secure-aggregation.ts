import { sha256 } from "@noble/hashes/sha2.js";
import { NONCE_BYTES, RUN_BYTES, type SecurePlan } from "../privacy/secure-aggregation/check-plan.ts";
import { bestCurves, type Curves } from "../privacy/secure-aggregation/curves.ts";
import { driveRound } from "../privacy/secure-aggregation/drive-round.ts";
import { secureEntropy } from "../privacy/secure-aggregation/entropy.ts";
import { openServer, planRound } from "../privacy/secure-aggregation/open-parties.ts";
import { shapeOf } from "../privacy/secure-aggregation/party.ts";
import { planRule } from "../privacy/secure-aggregation/plan-rules.ts";
import {
  checkRequest,
  type RefusedMessage,
  type SecureAggregationProtocol,
} from "../privacy/secure-aggregation/protocol.ts";
import type { SecureAggregationSettings } from "../privacy/secure-aggregation-encoding/index.ts";
import { fromBase64 } from "./base64.ts";
import type { EnrolledClient } from "./ports.ts";
import { encodeIntroduction } from "./secure-introduction.ts";
import type { StageCourier } from "./stage-courier.ts";

export interface LiveSecurePorts {
  /** Name of the run. */
  readonly run: string;
  readonly courier: StageCourier;
  /** Clients of the run as they are enrolled now. */
  enrolled(): readonly EnrolledClient[];
  /** Default: the platform's, or portable ones. */
  readonly curves?: Curves | undefined;
  /** Told of a message that the server has not accepted. */
  refused(round: number, refusal: RefusedMessage): void;
  /** Milliseconds, for the cost alone. */
  readonly clock: () => number;
}

/**
 * The server's side of secure aggregation in a live run: clients keep their integers, and this process sees masked vectors
 * and the sum. A session lives in memory. After a restart the round gets another one, which clients join that have not
 * answered in the first.
 *
 * @example
 * ```ts
 * import { memoryBlobStore } from "@anabranch/core";
 * import { smallRun } from "@anabranch/core/conformance";
 * import { describeTask, LiveServer, MemoryLedgers, systemTimers } from "@anabranch/core/live";
 * import { liveSecureAggregation } from "@anabranch/core/live";
 * const secureAggregation = { protocol: "bonawitz", range: 1 } as const;
 * const { config, live } = smallRun({ name: "fedavg" }, { sampler: { cohort: 4 }, secureAggregation });
 * const limits = { progressSeconds: 600, longestSeconds: 3600, maxUpdateBytes: 2 ** 20, keptVersions: 1 };
 * const run = { description: describeTask(config, live), minimumClients: 4, releasesOnce: false, ...limits };
 * const ports = { ledger: await new MemoryLedgers().open("run"), blobs: memoryBlobStore(), timers: systemTimers };
 * const randomBytes = (count: number) => crypto.getRandomValues(new Uint8Array(count));
 * const { courier, enrolled } = await LiveServer.open(run, { ...ports, randomBytes, notice: () => {} });
 * const more = { run: "run", courier, enrolled, refused: () => {}, clock: () => performance.now() };
 * const settings = live.plan.stages.secureAggregation!;
 * liveSecureAggregation(settings, more).hidesInputs; // => true
 * ```
 */
export function liveSecureAggregation(
  settings: SecureAggregationSettings,
  ports: LiveSecurePorts,
): SecureAggregationProtocol {
  const { protocol } = settings;
  if (protocol === "plain") throw new TypeError("plain sums hide nothing");
  const rule = planRule(protocol, settings);
  const run = secureRunName(ports.run);
  const { courier, clock } = ports;
  const entropy = secureEntropy();
  return {
    name: protocol,
    hidesInputs: true,
    async sum(request) {
      checkRequest(request);
      const { round, cohort, present } = request;
      const curves = ports.curves ?? (await bestCurves());
      const plan = planRound(rule, run, request, entropy.bytes(NONCE_BYTES));
      const keys = keysOf(cohort, ports.enrolled());
      const server = openServer(plan, { curves, directory: (client) => keys.get(client) });
      const first = encodeIntroduction({ plan: server.firstMessage, keys });
      const about = { round, present: new Set(present), mostBytes: longestAnswer(plan) };
      const outcome = await driveRound(server, cohort, courier.forRound(about), clock, first);
      for (const refusal of outcome.refusals) if (refusal.by === "server") ports.refused(round, refusal);
      return outcome;
    },
  };
}

/** [16] What names a run in the messages of its sessions; server and clients work it out. */
export function secureRunName(run: string): Uint8Array {
  return sha256(new TextEncoder().encode(`anabranch live run\n${run}`)).slice(0, RUN_BYTES);
}

/** The identity keys of a cohort; a number without a client has none. */
function keysOf(cohort: readonly number[], enrolled: readonly EnrolledClient[]): Map<number, Uint8Array> {
  const members = new Set(cohort);
  const known = enrolled.filter(({ client }) => members.has(client));
  return new Map(known.map(({ client, publicKey }) => [client, fromBase64(publicKey)!]));
}

/** Bytes for heads, keys and signatures. */
const BESIDE_VALUES = 65_536;

/** Bytes of the longest answer of a session: shares for all others, the masked vector or a sum of coded masks. */
function longestAnswer(plan: SecurePlan): number {
  const { clients, boxBytes, maskedBytes, codedBytes } = shapeOf(plan);
  return Math.max(clients * (4 + boxBytes), maskedBytes, codedBytes) + BESIDE_VALUES;
}
