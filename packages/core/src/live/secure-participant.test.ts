import { AnabranchError } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { discreteMechanism } from "../privacy/integers/index.ts";
import { neighbourhoods } from "../privacy/secure-aggregation/plan.ts";
import { identityOf } from "../privacy/secure-aggregation/testing/rounds.ts";
import type { SecureRecords } from "./ports.ts";
import { encodeIntroduction } from "./secure-introduction.ts";
import {
  clientsOf,
  livePlan,
  memoryRecords,
  openSession,
  participantOf,
  runSession,
  say,
} from "./testing/secure-clients.ts";

const join = (session: { readonly introduction: Uint8Array }, participant = participantOf(0)) =>
  say(participant, "advertise", session.introduction);

describe("a client under secure aggregation", () => {
  it("takes part and notes that it has answered", async () => {
    const { records, participants } = clientsOf();
    const { outcome } = await runSession(openSession(livePlan()), participants);
    expect("sum" in outcome && [...outcome.sum]).toEqual([100, 105, 110, 115, 120]);
    for (const { kept } of records.values()) expect(kept).toMatchObject({ round: 1, answered: true });
    expect(Object.keys(records.get(0)!.kept!.keys)).toHaveLength(5);
  });

  it.each([
    ["of another run", { run: new Uint8Array(16) }, "plan"],
    ["of a round that it has no update of", { round: 2 }, "no-update"],
    ["for other vectors", { length: 6 }, "plan"],
    ["without it", { cohort: [1, 2, 3, 4, 5] }, "plan"],
    ["of another protocol", { protocol: "coded", bits: 26, threshold: 4, privacy: 2 }, "plan"],
    ["for fewer clients than its operator allows", { cohort: [0, 1] }, "too-few"],
    ["with a threshold that the settings do not give", { threshold: 3 }, "plan"],
    ["with another modulus, in which sums could wrap around", { bits: 8 }, "plan"],
    ["with a sparse graph where the settings have a complete one", { degree: 2, threshold: 2 }, "plan"],
  ] as const)("refuses a plan %s", async (_what, given, code) => {
    expect(await join(openSession(livePlan(given)))).toBe(code);
  });

  it("refuses a plan under which a single answer takes masks off", async () => {
    const { server } = openSession(livePlan());
    const lying = server.firstMessage.slice();
    // head 26, protocol 1, run 16, nonce 32, round 4, degree 4: the threshold
    new DataView(lying.buffer).setUint32(83, 1, true);
    const keys = new Map([[0, identityOf(0).publicKey]]);
    expect(await join({ introduction: encodeIntroduction({ plan: lying, keys }) })).toBe("plan");
  });

  it("refuses to be unmasked with fewer than its operator allows, once others dropped out", async () => {
    const { outcome, refusals } = await runSession(
      openSession(livePlan()),
      clientsOf([0, 1, 2, 3, 4], { leastClients: 5 }).participants,
      (stage, client) => stage === "advertise" || stage === "share" || client !== 2,
    );
    expect(outcome).toHaveProperty("failure");
    expect([...refusals.values()]).toEqual(["too-few", "too-few", "too-few", "too-few"]);
  });

  it("refuses to be unmasked in a part of the graph with fewer than its operator allows", async () => {
    const cohort = [0, 1, 2, 3, 4, 5, 6, 7, 8];
    const plan = livePlan({ cohort, degree: 2, threshold: 2 });
    const around = neighbourhoods(plan);
    // 0 and one neighbour stay, and the two clients beside these drop out: nothing masks their sum
    const next = around.get(0)!.find((client) => client !== 0)!;
    const pair = [0, next];
    const silent = new Set(pair.flatMap((client) => around.get(client)!).filter((client) => !pair.includes(client)));
    const { outcome, refusals } = await runSession(
      openSession(plan),
      clientsOf(cohort, { protocol: "secagg+" }).participants,
      (stage, client) => stage === "advertise" || stage === "share" || !silent.has(client),
    );
    expect(silent.size).toBe(2);
    expect(refusals).toEqual(new Map(pair.map((client) => [client, "too-few"])));
    expect(outcome).toHaveProperty("failure");
  });
});

describe("a client that is to be in two sums of one round", () => {
  it("helps to unmask one of them, also after a restart of server and client", async () => {
    const { records, participants } = clientsOf();
    await runSession(openSession(livePlan()), participants);
    const again = openSession(livePlan());
    for (const participant of participants.values()) expect(await join(again, participant)).toBe("answered");
    const restarted = participantOf(0, records.get(0));
    expect(await join(again, restarted)).toBe("answered");
  });

  it("joins the session after one that broke off before its answer, and is in one sum", async () => {
    const { participants } = clientsOf();
    const broken = await runSession(openSession(livePlan()), participants, (stage) => stage !== "unmask");
    expect(broken.outcome).toHaveProperty("failure");
    const { outcome } = await runSession(openSession(livePlan()), participants);
    expect("sum" in outcome && outcome.survivors).toEqual([0, 1, 2, 3, 4]);
    // what the broken session still waits for nobody answers any more
    const asked = broken.messages.findLast(({ client }) => client === 0)!;
    expect(await say(participants.get(0)!, "unmask", asked.message)).toMatch(/over|session/);
  });

  it("refuses a second session with other clients", async () => {
    const records = memoryRecords();
    expect(await join(openSession(livePlan()), participantOf(0, records))).toBeInstanceOf(Uint8Array);
    expect(await join(openSession(livePlan({ cohort: [0, 1, 2] })), participantOf(0, records))).toBe("other-terms");
    expect(await join(openSession(livePlan()), participantOf(0, records))).toBeInstanceOf(Uint8Array);
  });

  it("refuses a round before the newest one", async () => {
    const records = memoryRecords();
    expect(await join(openSession(livePlan({ round: 2 })), participantOf(0, records, 2))).toBeInstanceOf(Uint8Array);
    expect(await join(openSession(livePlan()), participantOf(0, records, 1))).toBe("old-round");
  });

  it("refuses messages of another session, though the round is the same", async () => {
    const { participants } = clientsOf();
    const first = await runSession(openSession(livePlan()), participants, (stage) => stage !== "consistency");
    const second = openSession(livePlan());
    await join(second, participants.get(0));
    const replayed = first.messages.find(({ stage, client }) => stage === "share" && client === 0)!;
    expect(await say(participants.get(0)!, "share", replayed.message)).toBe("session");
  });

  it("leaves no second sum to a server that asks only as many as it needs for the first", async () => {
    const { participants } = clientsOf();
    const first = await runSession(
      openSession(livePlan()),
      participants,
      (stage, client) => stage !== "unmask" || client < 4,
    );
    expect("sum" in first.outcome && first.outcome.survivors).toEqual([0, 1, 2, 3, 4]);
    const second = await runSession(openSession(livePlan()), participants);
    expect(second.outcome).toHaveProperty("failure.code", "secure-aggregation/too-few");
    expect([...second.refusals]).toEqual([0, 1, 2, 3].map((client) => [client, "answered"]));
  });

  it("sends the same answer to the same message, and none to another one of the stage", async () => {
    const participant = participantOf(0);
    const session = openSession(livePlan());
    const answer = await join(session, participant);
    expect(await join(session, participant)).toBe(answer);
    expect(await say(participant, "unmask", Uint8Array.of(...session.introduction, 0))).toBe("malformed");
  });

  it("answers nothing while it cannot write that it does", async () => {
    const full: SecureRecords = {
      load: async () => undefined,
      save: async () => {
        throw new AnabranchError({ code: "store/disk-full", message: "the disk is full" });
      },
    };
    expect(await join(openSession(livePlan()), participantOf(0, full))).toBe("store/disk-full");
    const { participants } = clientsOf();
    const later = memoryRecords();
    participants.set(
      0,
      participantOf(0, { ...later, save: (run, record) => (record.answered ? full : later).save(run, record) }),
    );
    const { outcome, refusals } = await runSession(openSession(livePlan()), participants);
    expect([...refusals]).toEqual([[0, "store/disk-full"]]);
    expect("sum" in outcome && outcome.survivors).toEqual([0, 1, 2, 3, 4]);
    expect(later.kept).toMatchObject({ answered: false });
  });
});

describe("a client whose update has noise of its own", () => {
  const mechanism = discreteMechanism({
    ...{ distribution: "discrete-gaussian", size: 5, modulus: 2 ** 20, noiseMultiplier: 1, survivors: 4, cohort: 5 },
  });
  const choices = { encoding: { kind: "noised", mechanism } } as const;
  const plan = () => livePlan({ bits: 20 });

  it("is in sums with one noise alone, though it trains a round again", async () => {
    const records = memoryRecords();
    expect(await join(openSession(plan()), participantOf(0, records, 1, choices))).toBeInstanceOf(Uint8Array);
    const redrawn = participantOf(0, records, 1, { ...choices, noise: 1 });
    expect(await join(openSession(plan()), redrawn)).toBe("other-terms");
    const same = participantOf(0, records, 1, choices);
    expect(await join(openSession(plan()), same)).toBeInstanceOf(Uint8Array);
  });

  it("is in sums of no round after the last", async () => {
    const participant = participantOf(0, memoryRecords(), 4, { ...choices, rounds: 3 });
    expect(await join(openSession(livePlan({ bits: 20, round: 4 })), participant)).toBe("late-round");
  });

  it("keeps to the noise and the rounds that it joined with, also after a restart", async () => {
    const records = memoryRecords();
    await join(openSession(plan()), participantOf(0, records, 1, choices));
    const next = openSession(livePlan({ bits: 20, round: 2 }));
    const weaker = { encoding: { kind: "noised", mechanism: { ...mechanism, variance: 0.25 } } } as const;
    expect(await join(next, participantOf(0, records, 2, weaker))).toBe("other-settings");
    expect(await join(next, participantOf(0, records, 2, { ...choices, rounds: 100 }))).toBe("other-settings");
    expect(await join(next, participantOf(0, records, 2, choices))).toBeInstanceOf(Uint8Array);
  });

  it("helps to unmask no sum with fewer shares than its epsilon counts", async () => {
    const run = (silent: readonly number[]) =>
      runSession(
        openSession(plan()),
        clientsOf([0, 1, 2, 3, 4], {
          ...choices,
          encoding: { kind: "noised", mechanism: { ...mechanism, survivors: 5 } },
        }).participants,
        (stage, client) => stage === "advertise" || stage === "share" || !silent.includes(client),
      );
    expect((await run([])).outcome).toHaveProperty("sum");
    const { outcome, refusals } = await run([2]);
    expect(outcome).toHaveProperty("failure");
    expect(new Set(refusals.values())).toEqual(new Set(["too-few"]));
  });
});

describe("a client that is introduced to others", () => {
  const other = (swapped: number) => (client: number) => identityOf(client === swapped ? 8 : client).publicKey;

  it("refuses another key of a client that it knows, also after a restart", async () => {
    const records = memoryRecords();
    await join(openSession(livePlan()), participantOf(0, records));
    expect(await join(openSession(livePlan(), other(3)), participantOf(0, records))).toBe("changed-key");
  });

  it("refuses another key in place of its own, and numbers beyond the run", async () => {
    expect(await join(openSession(livePlan(), other(0)))).toBe("changed-key");
    expect(await join(openSession(livePlan({ cohort: [0, 1, 2, 9] })))).toBe("stranger");
  });

  it("does not take keys that their owners have not signed", async () => {
    const { participants } = clientsOf();
    // the server introduces client 3 with a key of its own: what client 3 signs does not fit
    const { refusals } = await runSession(openSession(livePlan(), other(3)), participants);
    expect(refusals.get(3)).toBe("changed-key");
    const { server } = openSession(livePlan());
    const keys = new Map([0, 1, 2, 3].map((client) => [client, identityOf(client).publicKey]));
    const incomplete = { server, introduction: encodeIntroduction({ plan: server.firstMessage, keys }) };
    const rest = await runSession(incomplete, clientsOf().participants);
    expect(rest.refusals.get(0)).toBe("stranger");
  });

  it.each([0, 3, 40])("refuses an introduction that is cut after %i bytes", async (bytes) => {
    const { introduction } = openSession(livePlan());
    expect(await join({ introduction: introduction.slice(0, bytes) })).toBe("malformed");
    expect(await join({ introduction: Uint8Array.of(...introduction, 0) })).toBe("malformed");
  });
});
