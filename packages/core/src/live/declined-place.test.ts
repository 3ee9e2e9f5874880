import { expect, it } from "vitest";
import { Hand, hello, join, open, prove } from "./testing/hand.ts";

const clientsOf = ({ server }: Awaited<ReturnType<typeof open>>) => server.status().clients.map(({ client }) => client);

/** A client that is welcome and leaves before it is ready: what it was shown is beyond its limits. */
async function decline(opened: Awaited<ReturnType<typeof open>>, seed: number, token: string): Promise<Hand> {
  const hand = new Hand(opened);
  await hand.say(hello(seed, token));
  await hand.say(prove(seed, hand.nonce));
  expect(hand.received.at(-1)?.type).toBe("welcome");
  await hand.say({ type: "leave" });
  return hand;
}

it("a client that declines a run gives its place and its token back", async () => {
  const opened = await open();
  const token = await opened.server.addToken({ places: 1 });
  expect((await decline(opened, 1, token)).closed).toBe(true);
  expect(clientsOf(opened)).toEqual([]);
  expect(await opened.ledger.clients()).toEqual([]);
  const other = new Hand(opened);
  await other.say(hello(2, token));
  await other.say(prove(2, other.nonce));
  expect(other.received.at(-1)).toMatchObject({ type: "welcome", client: 0 });
});

it("a client that was ready keeps its place when it leaves, and when it comes back and declines", async () => {
  const opened = await open();
  const hand = await join(opened, 1);
  await hand.say({ type: "leave" });
  expect(clientsOf(opened)).toEqual([0]);
  await decline(opened, 1, opened.token);
  expect(clientsOf(opened)).toEqual([0]);
});

it("a client whose connection is lost before it is ready keeps its place", async () => {
  const opened = await open();
  const hand = new Hand(opened);
  await hand.say(hello(1, opened.token));
  await hand.say(prove(1, hand.nonce));
  hand.lose();
  expect(clientsOf(opened)).toEqual([0]);
});
