import { describe, expect, it } from "vitest";
import { contentHashOf } from "./content-hash.ts";
import { type ClientMessage, CONTROL_BYTES } from "./control.ts";
import { EXAMPLES, Hand, hello, join, type Opened, open, prove, ready } from "./testing/hand.ts";

describe("a client that does not keep to the protocol", () => {
  const deviations: Readonly<Record<string, { code: string; act(hand: Hand, opened: Opened): Promise<unknown> }>> = {
    "garbage bytes": { code: "live/message", act: (hand) => hand.say("\u0000{]") },
    "a message beyond the cap": {
      code: "live/message",
      act: (hand, { token }) => hand.say(JSON.stringify(hello(1, token)).padEnd(CONTROL_BYTES + 1)),
    },
    "an unknown field": { code: "live/message", act: (hand, { token }) => hand.say(hello(1, token, { admin: true })) },
    "another protocol version": { code: "live/message", act: (hand, { token }) => hand.say(hello(1, token, { v: 2 })) },
    "a foreign run": { code: "live/run", act: (hand, { token }) => hand.say(hello(1, token, { run: "other" })) },
    "proof before hello": { code: "live/order", act: (hand) => hand.say(prove(1, hand.nonce)) },
    "hello twice": {
      code: "live/order",
      async act(hand, { token }) {
        await hand.say(hello(1, token));
        await hand.say(hello(1, token));
      },
    },
    "another key's signature": {
      code: "live/identity",
      act: (hand, { token }) => signed(hand, token, () => prove(2, hand.nonce)),
    },
    "an old nonce": { code: "live/identity", act: (hand, { token }) => signed(hand, token, () => prove(1, "AAAA")) },
    "a signature for another server": {
      code: "live/identity",
      act: (hand, { token }) => signed(hand, token, () => prove(1, hand.nonce, "https://evil.example")),
    },
    "no signature": {
      code: "live/identity",
      act: (hand, { token }) => signed(hand, token, () => ({ type: "prove", signature: "" })),
    },
    "a wrong token": { code: "live/token", act: (hand) => signed(hand, "guess", () => prove(1, hand.nonce)) },
    "a revoked token": {
      code: "live/token",
      async act(hand, { server, token }) {
        expect(await server.revokeToken(await contentHashOf(new TextEncoder().encode(token)))).toBe(true);
        await signed(hand, token, () => prove(1, hand.nonce));
      },
    },
    "an expired token": {
      code: "live/token-expired",
      async act(hand, { server, timers }) {
        const expired = await server.addToken({ expires: timers.date() - 1 });
        await signed(hand, expired, () => prove(1, hand.nonce));
      },
    },
    "a token of another client number": {
      code: "live/number",
      async act(hand, { server }) {
        const bound = await server.addToken({ client: 2 });
        await hand.say(hello(1, bound, { client: 1 }));
        await hand.say(prove(1, hand.nonce));
      },
    },
    "a number beyond the population": {
      code: "live/full",
      async act(hand, { token }) {
        await hand.say(hello(1, token, { client: 4 }));
        await hand.say(prove(1, hand.nonce));
      },
    },
    "another program": {
      code: "live/version",
      async act(hand, { token }) {
        await signed(hand, token, () => prove(1, hand.nonce));
        await hand.say(ready({ programHash: "other" }));
      },
    },
    "no examples": {
      code: "live/no-data",
      async act(hand, { token }) {
        await signed(hand, token, () => prove(1, hand.nonce));
        await hand.say(ready({ examples: 0 }));
      },
    },
    "work before it is ready": {
      code: "live/order",
      async act(hand, { token }) {
        await signed(hand, token, () => prove(1, hand.nonce));
        await hand.say({ type: "failed", order: "1/0/0", code: "x", message: "y" });
      },
    },
  };
  const signed = async (hand: Hand, token: string, proof: () => ClientMessage) => {
    await hand.say(hello(1, token));
    await hand.say(proof());
  };
  for (const [name, { code, act }] of Object.entries(deviations)) {
    it(`is refused with ${code} for ${name}`, async () => {
      const opened = await open();
      const hand = new Hand(opened);
      await act(hand, opened);
      expect(hand.refused).toBe(code);
      expect(opened.server.status().clients.every(({ connected }) => !connected)).toBe(true);
    });
  }

  it("is cut off when it does not identify itself in time", async () => {
    const opened = await open();
    const hand = new Hand(opened);
    await opened.timers.run(() => hand.closed);
    expect(hand.refused).toBe("live/handshake");
  });
});

describe("identities", () => {
  it("keep their number, and cannot take one that another holds", async () => {
    const opened = await open({ population: 2 });
    await join(opened, 1, { client: 1 });
    expect((await join(opened, 2, { client: 1 })).refused).toBe("live/number");
    expect((await join(opened, 2)).refused).toBeUndefined();
    expect((await join(opened, 3)).refused).toBe("live/full");
    expect((await join(opened, 1, { client: 0 })).refused).toBe("live/number");
  });

  it("that connect twice keep the newer connection", async () => {
    const opened = await open();
    const [first, second] = [await join(opened, 1), await join(opened, 1)];
    expect(first.refused).toBe("live/replaced");
    expect(second.closed).toBe(false);
    expect(opened.server.status().clients).toMatchObject([{ client: 0, connected: true, examples: EXAMPLES }]);
  });

  it("that are ejected stay out until they are readmitted", async () => {
    const opened = await open();
    const hand = await join(opened, 1);
    expect(await opened.server.eject(0)).toBe(true);
    expect(hand.refused).toBe("live/ejected");
    expect((await join(opened, 1)).refused).toBe("live/ejected");
    await opened.server.readmit(0);
    expect((await join(opened, 1)).refused).toBeUndefined();
  });
});

describe("a join token", () => {
  const joinWith = async (opened: Opened, token: string, seeds: readonly number[]) => {
    const hands = seeds.map(() => new Hand(opened));
    for (const [i, hand] of hands.entries()) await hand.say(hello(seeds[i]!, token));
    await Promise.all(hands.map((hand, i) => hand.say(prove(seeds[i]!, hand.nonce))));
    return hands.map(({ refused }) => refused ?? "joined").sort();
  };

  it("with places admits so many clients, however many keys its holder has", async () => {
    const opened = await open({ population: 9 });
    const token = await opened.server.addToken({ places: 2 });
    const used = "live/token-used";
    expect(await joinWith(opened, token, [1, 2, 3, 4])).toEqual(["joined", "joined", used, used]);
    expect(await joinWith(opened, token, [5])).toEqual([used]);
    expect(await joinWith(opened, opened.token, [6])).toEqual(["joined"]);
  });

  it("that is used up still lets its client come back, and no other in its place", async () => {
    const opened = await open();
    const token = await opened.server.addToken({ places: 1 });
    expect(await joinWith(opened, token, [1])).toEqual(["joined"]);
    expect(await joinWith(opened, token, [1])).toEqual(["joined"]);
    await opened.server.eject(0);
    expect(await joinWith(opened, token, [2])).toEqual(["live/token-used"]);
  });

  it("is listed by its hash, with the clients that have joined with it", async () => {
    const opened = await open();
    const token = await opened.server.addToken({ places: 1, expires: 8e15 });
    await joinWith(opened, token, [1]);
    const hash = await contentHashOf(new TextEncoder().encode(token));
    const listed = opened.server.tokens().find((each) => each.hash === hash);
    expect(listed).toEqual({ hash, expires: 8e15, client: undefined, places: 1, revoked: false, clients: [0] });
    expect(JSON.stringify(opened.server.tokens())).not.toContain(token);
  });
});

describe("a server that fails", () => {
  it("reports nothing of its machine to those who connect", async () => {
    const opened = await open();
    opened.ledger.putClient = async () => {
      throw new Error("no space left at /etc/operator/secret");
    };
    const hand = await join(opened, 1);
    expect(hand.refused).toBe("live/server");
    expect(JSON.stringify(hand.received)).not.toContain("secret");
  });
});
