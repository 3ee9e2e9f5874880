import { describe, expect, it } from "vitest";
import type { SecurePlan } from "./check-plan.ts";
import { encodeMessage, SERVER } from "./envelope.ts";
import { combinePieces } from "./field.ts";
import { survivorsText } from "./keys.ts";
import { agreementsMessage, type ClientSignature, survivorsMessage } from "./messages.ts";
import { bitsOf, codedLength, shapeOf } from "./party.ts";
import { neighbourhoods } from "./plan.ts";
import { cachedCurves, identityOf, openRound, plainSum, type TestRound, testPlan } from "./testing/rounds.ts";
import { type Loot, splitView } from "./testing/split-view.ts";
import { codeOf, edit, tapRound } from "./testing/wiretap.ts";

const curves = cachedCurves();

describe("a server of coded masks that tells clients of different survivors", () => {
  async function attack(plan: SecurePlan, colluders: number): Promise<{ round: TestRound; loot: Loot }> {
    const round = openRound(plan, curves);
    const tap = await tapRound(round, { down: (stage, _, bytes) => (stage === "consistency" ? undefined : bytes) });
    return { round, loot: await splitView(round, tap, plan.cohort.slice(plan.cohort.length - colluders)) };
  }

  it.each([
    { clients: 10, threshold: 7, privacy: 2, colluders: 0 },
    { clients: 10, threshold: 8, privacy: 5, colluders: 4 },
    { clients: 20, threshold: 16, privacy: 10, colluders: 10 },
  ])("learns nothing of a vector: $clients clients, $threshold of them answer, $colluders collude", async (given) => {
    const { clients, threshold, privacy, colluders } = given;
    const { loot } = await attack(testPlan(clients, { protocol: "coded", length: 30, threshold, privacy }), colluders);
    // Before clients signed, 3, 6 and 14 points were known, and with them 1, 1 and 4 combinations of private values.
    expect(loot).toMatchObject({ answered: [threshold - colluders, 0], refusals: ["too-few"], combinations: [] });
    expect(loot.points).toBe(colluders);
  });

  it("gets two sums from 4 colluders that sign both, where 2 U > N + c asks for fewer, and from no fewer", async () => {
    const plan = testPlan(10, { protocol: "coded", length: 30, threshold: 7, privacy: 2 });
    for (let colluders = 0; colluders < 4; colluders++) {
      const { loot } = await attack(plan, colluders);
      expect(loot.answered).toEqual([7 - colluders, 0]);
      expect(loot.points).toBe(colluders);
    }
    const { round, loot } = await attack(plan, 4);
    expect(loot).toMatchObject({ answered: [3, 3], points: 7, refusals: [] });
    // so the attack is a real one: each window of T + 1 of 7 points gives an exact combination of the target's values
    const { values } = round.inputs.find(({ client }) => client === loot.target)!;
    const length = codedLength(plan);
    const pieces = Array.from({ length: 5 }, (_, k) => values.subarray(k * length, (k + 1) * length));
    expect(loot.combinations.length).toBe(5);
    for (const { weights, values: leaked } of loot.combinations) {
      expect(leaked).toEqual(combinePieces(weights, pieces));
      expect(weights.some((weight) => weight > 0)).toBe(true);
    }
  });
});

it("a client of a sparse graph refuses a signature of one in the sum that is no neighbour", async () => {
  const ring = testPlan(6, { degree: 2, threshold: 2 });
  const [client] = ring.cohort as [number];
  const known = neighbourhoods(ring).get(client)!;
  const far = ring.cohort.find((other) => !known.includes(other))!;
  const text = survivorsText(shapeOf(ring).session, bitsOf(new Set(ring.cohort), ring.cohort));
  const signature = await curves.sign(identityOf(far).secret, text);
  const { replies } = await tapRound(openRound(ring, curves), {
    down: (stage, to, bytes) =>
      stage === "unmask" && to === client
        ? edit(ring, agreementsMessage, SERVER, bytes, () => [{ client: far, signature }])
        : bytes,
  });
  expect(codeOf(replies.find((reply) => reply.stage === "unmask" && reply.client === client)!.reply)).toBe("signature");
});

describe.each([
  testPlan(5, { threshold: 3 }),
  testPlan(5, { protocol: "coded", threshold: 4, privacy: 1, length: 9 }),
])("a client of $protocol masks", (plan) => {
  const [first, second, third, fourth, fifth] = plan.cohort as [number, number, number, number, number];
  const last = plan.protocol === "coded" ? "recover" : "unmask";
  const survivors = (set: readonly number[]) =>
    encodeMessage(survivorsMessage, shapeOf(plan).session, SERVER, bitsOf(new Set(set), plan.cohort));
  const sign = async (client: number, of: SecurePlan = plan, set: readonly number[] = plan.cohort) => ({
    client,
    signature: await curves.sign(
      identityOf(client).secret,
      survivorsText(shapeOf(of).session, bitsOf(new Set(set), of.cohort)),
    ),
  });
  /** What the first client says to signatures that the server has changed; `gone` sends no vector. */
  const answer = async (change: (list: readonly ClientSignature[]) => ClientSignature[], gone?: number) => {
    const { replies } = await tapRound(openRound(plan, curves), {
      up: (stage, client, bytes) => (stage === "mask" && client === gone ? undefined : bytes),
      down: (stage, client, bytes) =>
        stage === last && client === first ? edit(plan, agreementsMessage, SERVER, bytes, change) : bytes,
    });
    return codeOf(replies.find(({ stage, client }) => stage === last && client === first)!.reply);
  };
  const ascending = (list: readonly ClientSignature[]) => [...list].sort((a, b) => a.client - b.client);

  it("that was told of another sum than the others has no part in what follows", async () => {
    const some = plan.cohort.slice(0, plan.threshold);
    const { replies, end } = await tapRound(openRound(plan, curves), {
      down: (stage, client, bytes) => (stage === "consistency" && client === first ? survivors(some) : bytes),
    });
    // Its signature is of another sum, and is refused; so nobody asks it for what takes masks off.
    expect(replies.filter(({ stage, client }) => stage === last && client === first)).toEqual([]);
    expect("sum" in end && end.survivors).toEqual(plan.cohort);
  });

  it("refuses one signature of another sum, and then everything", async () => {
    const round = openRound(plan, curves);
    const forged = await sign(second, plan, plan.cohort.slice(0, plan.threshold));
    const { replies, end } = await tapRound(round, {
      down: (stage, _, bytes) =>
        stage !== last
          ? bytes
          : edit(plan, agreementsMessage, SERVER, bytes, (list) =>
              list.map((entry) => (entry.client === second ? forged : entry)),
            ),
    });
    const codes = replies.filter(({ stage }) => stage === last).map(({ reply }) => codeOf(reply));
    expect(codes).toEqual(["signature", undefined, "signature", "signature", "signature"]);
    expect(codeOf(end)).toBe("too-few");
    expect(codeOf(await round.clients.get(first)!.receive(round.server.firstMessage))).toBe("over");
  });

  it("refuses signatures of the same set from another round or another plan of this round", async () => {
    for (const other of [{ round: plan.round - 1 }, { nonce: new Uint8Array(32) }, { run: new Uint8Array(16) }]) {
      const old = await Promise.all(plan.cohort.slice(1).map((client) => sign(client, { ...plan, ...other })));
      expect(await answer(() => old)).toBe("signature");
    }
  });

  it("refuses signatures of enrolled clients that are not in the cohort, or not in the sum", async () => {
    const outsider = await sign(11);
    expect(await answer((list) => ascending([...list, outsider]))).toBe("signature");
    const set = [first, second, third, fourth];
    const silent = await sign(fifth, plan, set);
    expect(await answer((list) => ascending([...list, silent]), fifth)).toBe("signature");
    expect(await answer((list) => [...list], fifth)).toBeUndefined();
  });

  it("counts a client once, whatever is repeated: a signature, its own, or one under another's name", async () => {
    const enough = plan.threshold - 1;
    expect(await answer((list) => list.slice(0, enough))).toBeUndefined();
    expect(await answer((list) => list.slice(0, enough - 1))).toBe("too-few");
    expect(await answer((list) => [...Array(enough)].map(() => list[0]!))).toBe("malformed");
    const own = await sign(first);
    expect(await answer((list) => [own, ...list.slice(0, enough - 1)])).toBe("too-few");
    const borrowed = (list: readonly ClientSignature[]) =>
      list.map(({ client }) => ({ client, signature: list[0]!.signature }));
    expect(await answer(borrowed)).toBe("signature");
  });

  it("signs one set, and answers once", async () => {
    const round = openRound(plan, curves);
    const client = round.clients.get(first)!;
    const others = await Promise.all([second, third, fourth].map((other) => sign(other)));
    const signed = encodeMessage(agreementsMessage, shapeOf(plan).session, SERVER, others);
    await tapRound(round, { down: (stage, _, bytes) => (stage === "consistency" ? undefined : bytes) });
    expect(codeOf(await client.receive(signed))).toBe("stage");
    expect(await client.receive(survivors(plan.cohort))).toHaveProperty("message");
    expect(codeOf(await client.receive(survivors(plan.cohort.slice(0, 4))))).toBe("stage");
    expect(codeOf(await client.receive(survivors(plan.cohort)))).toBe("stage");
    expect(await client.receive(signed)).toHaveProperty("message");
    expect(codeOf(await client.receive(signed))).toBe("over");
    expect(codeOf(await client.receive(survivors(plan.cohort)))).toBe("over");
  });

  it("that signs and falls silent, or signs nothing, is in the sum all the same", async () => {
    for (const stage of ["consistency", last]) {
      const round = openRound(plan, curves);
      const { end } = await tapRound(round, {
        up: (at, client, bytes) => (at === stage && client === third ? undefined : bytes),
      });
      expect("sum" in end && [...end.sum]).toEqual(plainSum(round.inputs, plan.cohort));
    }
  });
});
