import { describe, expect, it } from "vitest";
import type { SecurePlan } from "./check-plan.ts";
import { clientPoint, piecePoints } from "./coded-client.ts";
import { decodeMessage } from "./envelope.ts";
import { combinePieces, lagrangeWeights } from "./field.ts";
import { pairMaskKey, selfMaskKey } from "./keys.ts";
import { addMasks, keystream } from "./keystream.ts";
import {
  codedSumMessage,
  keyAdvertisementMessage,
  maskedMessage,
  type RevealedShare,
  revealMessage,
} from "./messages.ts";
import { unpackBits } from "./packing.ts";
import { shapeOf } from "./party.ts";
import { rebuildSecret } from "./shamir.ts";
import { cachedCurves, entropyOf, openRound, plainSum, testPlan } from "./testing/rounds.ts";
import { type Sent, tapRound } from "./testing/wiretap.ts";

const curves = cachedCurves();

/**
 * Chi-square of the top 4 bits of values of `bits` bits against the uniform distribution: 15 degrees of freedom, above
 * 65 with probability 4e-8. The tests below look at fewer than 50 vectors: a false alarm has probability below 2e-6.
 */
function chiSquare(values: ArrayLike<number>, bits: number): number {
  const counts = new Float64Array(16);
  for (let i = 0; i < values.length; i++) counts[values[i]! >>> (bits - 4)]!++;
  const expected = values.length / 16;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}
const UNIFORM = 65;

const bodies = <T>(
  plan: SecurePlan,
  sent: readonly Sent[],
  stage: string,
  codec: Parameters<typeof decodeMessage<T>>[0],
) =>
  sent
    .filter((message) => message.stage === stage)
    .map(({ client, bytes }) => ({ client, body: decodeMessage(codec, shapeOf(plan), client, bytes) }));

const maskedVectors = (plan: SecurePlan, sent: readonly Sent[]) =>
  new Map(
    bodies(plan, sent, "mask", maskedMessage).map(({ client, body }) => [
      client,
      unpackBits(body, plan.length, plan.bits, "test"),
    ]),
  );

/** What the survivors revealed of one client. */
const sharesOf = (reveals: readonly { body: readonly RevealedShare[] }[], client: number, secret: "seed" | "key") =>
  reveals.flatMap(({ body }) => body.filter((s) => s.client === client && s.secret === secret).map((s) => s.share));

/** Whether any 12 bytes of `needle` lie in `bytes`. */
function holds(bytes: Uint8Array, needle: Uint8Array): boolean {
  const haystack = Buffer.from(bytes);
  for (let at = 0; at + 12 <= needle.length; at++)
    if (haystack.includes(Buffer.from(needle.subarray(at, at + 12)))) return true;
  return false;
}

describe.each(["pairwise", "coded"] as const)("what the server sees with %s masks", (protocol) => {
  const plan = testPlan(6, { protocol, length: 8000 });

  it("is uniform though every client sends the same small number", async () => {
    const round = openRound(plan, curves);
    for (const { values } of round.inputs) values.fill(3);
    const { sent, end } = await tapRound(round);
    expect("sum" in end && [...new Set(end.sum)]).toEqual([18]);
    const masked = maskedVectors(plan, sent);
    expect(masked.size).toBe(6);
    for (const vector of masked.values()) {
      // The field of coded masks is 2^26 - 5: a chance of 1e-7 a value of being told from 2^26, too little to matter.
      expect(chiSquare(vector, plan.bits)).toBeLessThan(UNIFORM);
    }
    expect(chiSquare(new Uint32Array(8000).fill(3), plan.bits)).toBeGreaterThan(1000);
  });

  it("contains no piece of an input, packed or as words, in any message", async () => {
    const round = openRound(plan, curves);
    const { sent } = await tapRound(round);
    for (const { values } of round.inputs) {
      const needle = new Uint8Array(values.slice(0, 100).buffer);
      for (const { bytes } of sent) expect(holds(bytes, needle)).toBe(false);
    }
    const own = round.inputs[0]!.values;
    expect(holds(new Uint8Array(own.slice().buffer), new Uint8Array(own.slice(0, 100).buffer))).toBe(true);
  });
});

describe("what the server can rebuild", () => {
  const plan = testPlan(6, { length: 8000, threshold: 4 });
  const { session } = shapeOf(plan);
  const [first, , , , , gone] = plan.cohort;

  it("is the seed of a survivor, under which its vector still wears the masks of its pairs", async () => {
    const round = openRound(plan, curves);
    for (const { values } of round.inputs) values.fill(3);
    const { sent } = await tapRound(round, {
      up: (stage, client, b) => (stage === "mask" && client === gone ? undefined : b),
    });
    const reveals = bodies(plan, sent, "unmask", revealMessage);
    const masked = maskedVectors(plan, sent);
    for (const [client, vector] of masked) {
      expect(sharesOf(reveals, client, "key")).toEqual([]);
      const seed = await rebuildSecret(sharesOf(reveals, client, "seed"), plan.threshold, () => true);
      const naked = Int32Array.from(vector);
      await addMasks(naked, [{ key: selfMaskKey(seed!, session, client), sign: -1 }]);
      expect(
        chiSquare(
          naked.map((v) => v & (2 ** plan.bits - 1)),
          plan.bits,
        ),
      ).toBeLessThan(UNIFORM);
    }
  });

  it("is the mask key of one that dropped out, whose late vector still wears its own mask", async () => {
    const round = openRound(plan, curves);
    for (const { values } of round.inputs) values.fill(3);
    let late: Uint8Array | undefined;
    const { sent, end } = await tapRound(round, {
      up: (stage, client, bytes) => {
        if (stage !== "mask" || client !== gone) return bytes;
        late = bytes;
        return undefined;
      },
    });
    expect("sum" in end && [...end.sum]).toEqual(plainSum(round.inputs, plan.cohort.slice(0, 5)));
    const reveals = bodies(plan, sent, "unmask", revealMessage);
    expect(sharesOf(reveals, gone!, "seed")).toEqual([]);
    const key = await rebuildSecret(sharesOf(reveals, gone!, "key"), plan.threshold, () => true);
    const packed = decodeMessage(maskedMessage, shapeOf(plan), gone!, late!);
    const naked = Int32Array.from(unpackBits(packed, plan.length, plan.bits, "test"));
    for (const { client, body } of bodies(plan, sent, "advertise", keyAdvertisementMessage)) {
      if (client === gone) continue;
      const shared = await curves.sharedSecret(key!, body.keys.slice(32));
      await addMasks(naked, [{ key: pairMaskKey(shared, session, gone!, client), sign: client > gone! ? -1 : 1 }]);
    }
    const low = naked.map((v) => v & (2 ** plan.bits - 1));
    expect(chiSquare(low, plan.bits)).toBeLessThan(UNIFORM);
    // What is left is the input under the client's own mask: its entropy gives two secret keys, then the seed.
    const entropy = entropyOf(gone!);
    const [, , seed] = [entropy.bytes(32), entropy.bytes(32), entropy.bytes(32)];
    const own = await keystream(selfMaskKey(seed, session, gone!), 0, plan.length);
    expect([...low]).toEqual(Array.from(own, (word) => (word + 3) & (2 ** plan.bits - 1)));
  });

  it("is never both secrets of one client, and a client says each but once", async () => {
    const round = openRound(plan, curves);
    const { sent } = await tapRound(round, {
      up: (stage, client, b) => (stage === "mask" && client === gone ? undefined : b),
    });
    const reveals = bodies(plan, sent, "unmask", revealMessage);
    expect(reveals.length).toBe(5);
    for (const { body } of reveals) {
      expect(body.map(({ client, secret }) => [client, secret])).toEqual(
        plan.cohort.map((client) => [client, client === gone ? "key" : "seed"]),
      );
    }
    const asked = await round.clients.get(first!)!.receive(round.server.firstMessage);
    expect(asked).toHaveProperty("refusal.code", "secure-aggregation/over");
  });

  it("is nothing if fewer than the threshold answer at the end", async () => {
    const round = openRound(plan, curves);
    const { sent, end } = await tapRound(round, {
      up: (stage, client, b) => (stage === "unmask" && client > plan.cohort[2]! ? undefined : b),
    });
    expect(end).toHaveProperty("failure.code", "secure-aggregation/too-few");
    const reveals = bodies(plan, sent, "unmask", revealMessage);
    for (const client of plan.cohort) {
      expect(sharesOf(reveals, client, "seed").length + sharesOf(reveals, client, "key").length).toBe(3);
    }
  });
});

describe("the extra pieces of LightSecAgg", () => {
  it("are drawn afresh: their sum over all clients is uniform, not zero", async () => {
    const plan = testPlan(6, { protocol: "coded", threshold: 5, privacy: 3, length: 8000 });
    const { sent } = await tapRound(openRound(plan, curves));
    const answers = bodies(plan, sent, "recover", codedSumMessage).slice(0, 5);
    const values = answers.map(({ body }) => unpackBits(body, 4000, plan.bits, "test"));
    const points = answers.map(({ client }) => clientPoint(plan, client));
    const extra = lagrangeWeights(points, piecePoints(plan).slice(2));
    expect(extra.length).toBe(3);
    for (const weights of extra) expect(chiSquare(combinePieces(weights, values), plan.bits)).toBeLessThan(UNIFORM);
  });
});
