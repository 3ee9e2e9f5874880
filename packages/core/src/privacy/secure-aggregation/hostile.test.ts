import { describe, expect, it } from "vitest";
import type { SecurePlan } from "./check-plan.ts";
import { CodedClient } from "./coded-client.ts";
import { decodeMessage, encodeMessage, SERVER } from "./envelope.ts";
import { keyAdvertisementText } from "./keys.ts";
import {
  codedSumMessage,
  keyAdvertisementMessage,
  keyAdvertisementsMessage,
  revealMessage,
  sharesMessage,
  survivorsMessage,
} from "./messages.ts";
import { PairwiseClient } from "./pairwise-client.ts";
import { bitsOf, shapeOf } from "./party.ts";
import { neighbourhoods } from "./plan.ts";
import { simulateRound } from "./simulate.ts";
import { cachedCurves, openRound, plainSum, testPlan } from "./testing/rounds.ts";
import { codeOf, edit, tapRound } from "./testing/wiretap.ts";

const curves = cachedCurves();
const plan = testPlan(5, { threshold: 3 });
const coded = testPlan(5, { protocol: "coded", threshold: 4, privacy: 1, length: 9 });
const [first, second, third, fourth, fifth] = plan.cohort as [number, number, number, number, number];

const flipped = (bytes: Uint8Array, at = 0) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

describe.each([plan, coded])("a server of $protocol masks", (of) => {
  it("refuses what is cut, lengthened, foreign, of another version, round, stage or sender, and goes on", async () => {
    const round = openRound(of, curves);
    const older = openRound({ ...of, round: of.round - 1 }, curves);
    const old = await older.clients.get(first)!.receive(older.server.firstMessage);
    const codes = new Set<string | undefined>();
    const { end, sent } = await tapRound(round);
    expect("sum" in end && [...end.sum]).toEqual(plainSum(round.inputs, of.cohort));
    const again = openRound(of, curves);
    const advertisements = sent.filter(({ stage }) => stage === "advertise");
    const own = advertisements[0]!.bytes;
    const attempts: [number, Uint8Array, string][] = [
      [first, own.slice(0, 20), "malformed"],
      [first, own.slice(0, -1), "malformed"],
      [first, new Uint8Array([...own, 0]), "malformed"],
      [first, new Uint8Array(0), "malformed"],
      [first, flipped(own), "malformed"],
      [first, flipped(own, 4), "version"],
      [first, flipped(own, 9), "session"],
      [first, flipped(own, own.length - 40), "signature"],
      [first, flipped(own, own.length - 1), "signature"],
      [first, (old as { message: Uint8Array }).message, "session"],
      [first, sent.find(({ stage }) => stage === "mask")!.bytes, "stage"],
      [first, advertisements[1]!.bytes, "sender"],
      [second, own, "sender"],
      [999, edit(of, keyAdvertisementMessage, first, own, (body) => body), "sender"],
      [
        999,
        encodeMessage(
          keyAdvertisementMessage,
          shapeOf(of).session,
          999,
          decodeMessage(keyAdvertisementMessage, shapeOf(of), first, own),
        ),
        "stranger",
      ],
    ];
    for (const [from, bytes, code] of attempts) {
      const receipt = await again.server.receive(from, bytes);
      expect(codeOf(receipt)).toBe(code);
      codes.add(code);
    }
    expect(codes.size).toBe(7);
    for (const { client, bytes } of advertisements) {
      expect(await again.server.receive(client, bytes)).toEqual({ accepted: true });
      expect(codeOf(await again.server.receive(client, bytes))).toBe("duplicate");
    }
    expect(await again.server.close()).toHaveProperty("messages");
  });

  it("refuses keys of small order, of the twist and unreduced, though they are signed", async () => {
    const round = openRound(of, curves);
    const own = round.ports.get(first)!;
    const { session, keys } = shapeOf(of);
    const good = await curves.publicKey(new Uint8Array(32).fill(1));
    for (const bad of [new Uint8Array(32), Uint8Array.of(2, ...new Uint8Array(31)), new Uint8Array(32).fill(255)]) {
      const both = new Uint8Array(keys === 2 ? [...good, ...bad] : bad);
      const signature = await own.sign(keyAdvertisementText(session, first, both));
      const bytes = encodeMessage(keyAdvertisementMessage, session, first, { keys: both, signature });
      expect(codeOf(await round.server.receive(first, bytes))).toBe("public-key");
    }
  });

  it("refuses shares for others than the neighbours and answers after the end", async () => {
    const round = openRound(of, curves);
    const { sent, end } = await tapRound(round, {
      up: (stage, client, bytes) => {
        if (stage !== "share" || client !== first) return bytes;
        return edit(of, sharesMessage, first, bytes, ({ commitment, boxes }) => ({
          commitment,
          boxes: boxes.slice(1),
        }));
      },
    });
    const refused = sent.find(({ stage, client }) => stage === "share" && client === first)!;
    expect(codeOf(refused.receipt)).toBe("neighbours");
    expect("sum" in end && end.survivors).toEqual(of.cohort.slice(1));
    expect(codeOf(await round.server.receive(first, refused.bytes))).toBe("over");
    expect(codeOf(await round.server.close())).toBe("over");
  });

  it("ends a round with a reason when too few are left, and the next one works", async () => {
    for (const last of ["advertise", "share", "mask", "consistency", of.protocol === "coded" ? "recover" : "unmask"]) {
      const round = openRound(of, curves);
      const { end } = await tapRound(round, {
        up: (stage, client, bytes) => (stage === last && client !== first && client !== second ? undefined : bytes),
      });
      expect(codeOf(end)).toBe("too-few");
      expect(end).not.toHaveProperty("sum");
    }
    const next = openRound({ ...of, round: of.round + 1 }, curves);
    const { end } = await tapRound(next);
    expect("sum" in end && [...end.sum]).toEqual(plainSum(next.inputs, of.cohort));
  });
});

describe("wrong shares", () => {
  /** A byte for each liar, so that no two faults cancel, and none that clamping of keys hides (0 and 31). */
  const place = (client: number) => 5 + plan.cohort.indexOf(client);
  const spoil = (liars: readonly number[], of: number) =>
    tapRound(openRound(plan, curves), {
      up: (stage, client, bytes) => {
        if (stage !== "unmask" || !liars.includes(client)) return bytes;
        return edit(plan, revealMessage, client, bytes, (shares) =>
          shares.map((share) =>
            share.client === of ? { ...share, share: flipped(share.share, place(client)) } : share,
          ),
        );
      },
    });

  it("are rejected if they reconstruct to a seed other than the committed one", async () => {
    for (const liars of [[first], [second, fifth]]) {
      const { end } = await spoil(liars, third);
      expect("sum" in end && [...end.sum]).toEqual(plainSum(openRound(plan, curves).inputs, plan.cohort));
    }
  });

  it("end the round when too few right ones are left", async () => {
    const { end } = await spoil([first, second, fifth], third);
    expect(codeOf(end)).toBe("rebuild");
    expect(end).toHaveProperty("failure.message", expect.stringContaining(`client ${third}`));
  });

  it("of a mask key are held against the advertised public key", async () => {
    const meddle = (liars: readonly number[]) =>
      tapRound(openRound(plan, curves), {
        up: (stage, client, bytes) => {
          if (stage === "mask" && client === fifth) return undefined;
          if (stage !== "unmask" || !liars.includes(client)) return bytes;
          return edit(plan, revealMessage, client, bytes, (shares) =>
            shares.map((share) =>
              share.secret === "key" ? { ...share, share: flipped(share.share, place(client)) } : share,
            ),
          );
        },
      });
    const { end } = await meddle([first]);
    expect("sum" in end && [...end.sum]).toEqual(plainSum(openRound(plan, curves).inputs, plan.cohort.slice(0, 4)));
    expect(codeOf((await meddle([first, second])).end)).toBe("rebuild");
  });

  it("of a secret that does not fit its commitment end the round", async () => {
    const { end } = await tapRound(openRound(plan, curves), {
      up: (stage, client, bytes) =>
        stage === "share" && client === second
          ? edit(plan, sharesMessage, client, bytes, (body) => ({ ...body, commitment: flipped(body.commitment) }))
          : bytes,
    });
    expect(codeOf(end)).toBe("rebuild");
  });

  it("that do not open are missing, and the others' are enough", async () => {
    const round = openRound(plan, curves);
    const { end } = await tapRound(round, {
      up: (stage, client, bytes) =>
        stage === "share" && client === second
          ? edit(plan, sharesMessage, client, bytes, ({ commitment, boxes }) => ({
              commitment,
              boxes: boxes.map(({ client: to, box }, i) => ({ client: to, box: i === 0 ? flipped(box) : box })),
            }))
          : bytes,
    });
    expect("sum" in end && [...end.sum]).toEqual(plainSum(round.inputs, plan.cohort));
  });

  it("that were not asked for are refused: nobody hands in both secrets of a client", async () => {
    const { sent } = await tapRound(openRound(plan, curves), {
      up: (stage, client, bytes) =>
        stage === "unmask" && client === first
          ? edit(plan, revealMessage, client, bytes, (shares) =>
              shares.map((share) => (share.client === second ? { ...share, secret: "key" } : share)),
            )
          : bytes,
    });
    expect(codeOf(sent.find(({ stage, client }) => stage === "unmask" && client === first)!.receipt)).toBe("share");
  });

  it("of coded masks contradict the others where there are more than needed", async () => {
    const { end } = await tapRound(openRound(coded, curves), {
      up: (stage, client, bytes) =>
        stage === "recover" && client === second
          ? edit(coded, codedSumMessage, client, bytes, (body) => flipped(body))
          : bytes,
    });
    expect(codeOf(end)).toBe("decode");
  });
});

describe("a client", () => {
  /** What clients say to a message of the server that was changed. */
  const refusals = async (of: SecurePlan, stage: string, change: (client: number, bytes: Uint8Array) => Uint8Array) => {
    const { replies, end } = await tapRound(openRound(of, curves), {
      down: (at, client, bytes) => (at === stage ? change(client, bytes) : bytes),
    });
    return { codes: replies.filter((reply) => reply.stage === stage).map(({ reply }) => codeOf(reply)), end };
  };

  it("refuses keys that the server made itself", async () => {
    const secret = new Uint8Array(32).fill(9);
    const key = await curves.publicKey(secret);
    const { codes, end } = await refusals(plan, "share", (_, bytes) =>
      edit(plan, keyAdvertisementsMessage, SERVER, bytes, (advertisements) =>
        advertisements.map((advertisement) => ({ ...advertisement, keys: new Uint8Array([...key, ...key]) })),
      ),
    );
    expect(codes).toEqual(plan.cohort.map(() => "signature"));
    expect(codeOf(end)).toBe("too-few");
  });

  it.each([
    plan,
    coded,
  ])("refuses sums without it, of too few, or of one that sent no shares: $protocol", async (of) => {
    const stage = "consistency";
    const tell = (set: readonly number[]) => () =>
      encodeMessage(survivorsMessage, shapeOf(of).session, SERVER, bitsOf(new Set(set), of.cohort));
    const without = await refusals(of, stage, tell([second, third, fourth, fifth]));
    expect(without.codes[0]).toBe("survivors");
    const few = await refusals(of, stage, tell([first, second]));
    expect(few.codes.slice(0, 2)).toEqual(["too-few", "too-few"]);
    expect(codeOf(few.end)).toBe("too-few");
    const { replies } = await tapRound(openRound(of, curves), {
      up: (at, client, bytes) => (at === "share" && client === fifth ? undefined : bytes),
      down: (at, _, bytes) => (at === stage ? tell(of.cohort)() : bytes),
    });
    const codes = replies.filter((reply) => reply.stage === stage).map(({ reply }) => codeOf(reply));
    expect(codes).toEqual(["survivors", "survivors", "survivors", "survivors"]);
  });

  it("takes no part in another run or round, a longer vector, or a plan without it", async () => {
    const { clients, ports, inputs } = openRound(plan, curves);
    const own = { client: first, run: plan.run, round: plan.round, values: inputs[0]!.values };
    const careful = new PairwiseClient({ ...own, smallestThreshold: 4 }, ports.get(first)!);
    expect(codeOf(await careful.receive(openRound(plan, curves).server.firstMessage))).toBe("plan");
    const wary = new CodedClient({ ...own, smallestThreshold: 3 }, ports.get(first)!);
    expect(codeOf(await wary.receive(openRound({ ...coded, length: 5 }, curves).server.firstMessage))).toBe("plan");
    const stranger = new PairwiseClient({ ...own, run: new Uint8Array(0) }, ports.get(first)!);
    expect(codeOf(await stranger.receive(openRound(plan, curves).server.firstMessage))).toBe("plan");
    const large = new PairwiseClient({ ...own, values: new Uint32Array(5).fill(2 ** 20) }, ports.get(first)!);
    expect(codeOf(await large.receive(openRound(plan, curves).server.firstMessage))).toBe("overflow");
    const other: Partial<SecurePlan>[] = [
      { round: 4 },
      { run: new Uint8Array(16) },
      { length: 6 },
      { cohort: [1, 2, 4, 5, 6] },
      { protocol: "coded", bits: 26, threshold: 4, privacy: 1 },
    ];
    for (const given of other) {
      const { server } = openRound({ ...plan, ...given }, curves);
      expect(codeOf(await clients.get(first)!.receive(server.firstMessage))).toBe("plan");
    }
    const { server } = openRound(plan, curves);
    const changed = server.firstMessage.slice();
    changed[80]! ^= 1;
    expect(["malformed", "session", "plan"]).toContain(codeOf(await clients.get(first)!.receive(changed)));
    expect(await clients.get(first)!.receive(server.firstMessage)).toHaveProperty("message");
    expect(codeOf(await clients.get(first)!.receive(server.firstMessage))).toBe("stage");
  });

  it("with too few neighbours left says so and is left out, and the round goes on where it can", async () => {
    const ring = testPlan(6, { degree: 2, threshold: 2 });
    const alone = ring.cohort[0]!;
    const gone = neighbourhoods(ring)
      .get(alone)!
      .filter((client) => client !== alone);
    const { server, clients, inputs } = openRound(ring, curves);
    const dropOuts = new Map(gone.map((client) => [client, "advertise" as const]));
    const outcome = await simulateRound({ ...ring, dropOuts }, { server, clients }, () => 0);
    expect(outcome.refusals.map(({ stage, client, by, failure }) => [stage, client, by, failure.code])).toEqual([
      ["share", alone, "client", "secure-aggregation/too-few"],
    ]);
    const rest = ring.cohort.filter((client) => client !== alone && !gone.includes(client));
    expect("sum" in outcome && [...outcome.sum]).toEqual(plainSum(inputs, rest));
  });

  it("answers one of two messages that come at once", async () => {
    const round = openRound(plan, curves);
    const client = round.clients.get(first)!;
    const both = await Promise.all([
      client.receive(round.server.firstMessage),
      client.receive(round.server.firstMessage),
    ]);
    expect(both.map(codeOf)).toEqual([undefined, "stage"]);
  });
});
