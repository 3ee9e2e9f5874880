import type { EnrolledClient, JoinToken, Ledger, OrderRow } from "../live/ports.ts";
import { type Case, check, checkSame, rejection } from "./case.ts";

/** Opens the ledger of one run: the first time an empty one, later as a new process would find it. */
export type OpenLedger = () => Promise<Ledger>;

/**
 * The battery of every ledger. `create` makes the place of a new run.
 *
 * @example
 * ```ts
 * import { ledgerCases } from "@anabranch/core/conformance";
 * import { MemoryLedgers } from "@anabranch/core/live";
 * const cases = ledgerCases(async () => {
 *   const ledgers = new MemoryLedgers();
 *   return () => ledgers.open("run");
 * });
 * for (const { run } of cases) await run(); // rejects where the ledger fails
 * cases.length > 10; // => true
 * ```
 */
export function ledgerCases(create: () => Promise<OpenLedger>): Case[] {
  const reopened = (name: string, run: (open: OpenLedger) => Promise<void>): Case => ({
    name,
    run: async () => run(await create()),
  });
  const on = (name: string, run: (ledger: Ledger) => Promise<void>): Case =>
    reopened(name, async (open) => {
      const ledger = await open();
      await run(ledger).finally(() => ledger.close());
    });
  return [
    on("keeps one client per number, in ascending order", clients),
    on("keeps one token per hash", tokens),
    on("gives an order once; the same again changes nothing", gives),
    on("replaces an order of another broadcast", replaces),
    on("accepts the first update of an order and no other", accepts),
    on("refuses updates of orders that are closed or were never given", closes),
    on("numbers accepted updates from 1 without gaps, whatever is forgotten", numbers),
    on("accepts one of many updates that arrive together", rivals),
    on("returns updates that were not accepted, unless an order names them", returnsRefused),
    on("forgets old orders and returns the updates that no order names", forgets),
    on("lists the orders of a version", lists),
    on("notes versions one after the other, each with one broadcast", notesVersions),
    reopened("has everything when it is opened again, and counts on", survives),
    reopened("returns forgotten updates again where a crash may have kept them", returnsAgain),
    reopened("is open once", opensOnce),
    reopened("refuses every call once it is closed", refusesClosed),
  ];
}

const given = (round: number, client: number, broadcast = hashOf(`broadcast ${round}`)) => ({
  ...{ id: `${round}/${client}/0`, client, version: round, broadcast },
});

async function clients(ledger: Ledger): Promise<void> {
  const kept = (client: number, more: Partial<EnrolledClient> = {}): EnrolledClient => ({
    ...{ client, publicKey: "AbC+/=", name: "", labels: {}, status: "enrolled", token: "", ...more },
  });
  checkSame(await ledger.clients(), []);
  const labels: Record<string, string> = { site: "nörd 🐟", "": "\0" };
  const odd = kept(10, { name: "a'b\"; --\0 \ud800 🐟", labels: { ...labels } });
  for (const client of [odd, kept(9), kept(2_147_483_647), kept(0)]) await ledger.putClient(client);
  await ledger.putClient(kept(9, { publicKey: "other", status: "ejected", token: hashOf("t") }));
  const expected = [
    kept(0),
    kept(9, { publicKey: "other", status: "ejected", token: hashOf("t") }),
    odd,
    kept(2_147_483_647),
  ];
  checkSame((await ledger.clients()).map(showClient), expected.map(showClient));
}

async function tokens(ledger: Ledger): Promise<void> {
  checkSame(await ledger.tokens(), []);
  const token = (text: string, more: Partial<JoinToken> = {}): JoinToken => ({
    ...{ hash: hashOf(text), expires: undefined, client: undefined, places: undefined, revoked: false, ...more },
  });
  const all = [
    token("a"),
    token("b", { expires: 8.64e15, client: 0 }),
    token("c", { client: 7, places: 3 }),
    token("d"),
  ];
  for (const each of all) await ledger.putToken(each);
  all[3] = token("d", { revoked: true, expires: 0 });
  await ledger.putToken(all[3]);
  const expected = all.map(showToken).sort();
  checkSame((await ledger.tokens()).map(showToken), expected);
}

async function gives(ledger: Ledger): Promise<void> {
  checkSame(await show(ledger, "1/2/0"), null);
  for (const client of [1, 2, 3]) await ledger.giveOrder(given(1, client));
  checkSame(await show(ledger, "1/2/0"), ["1/2/0", 2, 1, hashOf("broadcast 1"), "given", null, null]);
  await ledger.acceptUpdate("1/2/0", hashOf("u"));
  await ledger.closeOrder("1/3/0");
  const before = await Promise.all([1, 2, 3].map((client) => show(ledger, `1/${client}/0`)));
  for (const client of [1, 2, 3]) await ledger.giveOrder(given(1, client));
  checkSame(await Promise.all([1, 2, 3].map((client) => show(ledger, `1/${client}/0`))), before);
}

async function replaces(ledger: Ledger): Promise<void> {
  for (const client of [1, 2, 3]) await ledger.giveOrder(given(4, client));
  await ledger.acceptUpdate("4/2/0", hashOf("old"));
  await ledger.closeOrder("4/3/0");
  const other = hashOf("another model");
  for (const client of [1, 2, 3]) await ledger.giveOrder(given(4, client, other));
  for (const client of [1, 2, 3]) {
    const id = `4/${client}/0`;
    checkSame(await show(ledger, id), [id, client, 4, other, "given", null, null]);
  }
  checkSame(await ledger.acceptUpdate("4/2/0", hashOf("new")), "accepted");
  checkSame(await ledger.forgetBefore(4), [hashOf("old")]);
  checkSame(await ledger.forgetBefore(5), [hashOf("new")]);
}

async function accepts(ledger: Ledger): Promise<void> {
  await ledger.giveOrder(given(1, 5));
  checkSame(await ledger.acceptUpdate("1/5/0", hashOf("u")), "accepted");
  for (let i = 0; i < 3; i++) checkSame(await ledger.acceptUpdate("1/5/0", hashOf("u")), "again");
  checkSame(await ledger.acceptUpdate("1/5/0", hashOf("v")), "other");
  await ledger.closeOrder("1/5/0");
  checkSame(await ledger.acceptUpdate("1/5/0", hashOf("u")), "again");
  checkSame(await show(ledger, "1/5/0"), ["1/5/0", 5, 1, hashOf("broadcast 1"), "accepted", hashOf("u"), 1]);
}

async function closes(ledger: Ledger): Promise<void> {
  await ledger.closeOrder("1/5/0");
  checkSame(await ledger.acceptUpdate("1/5/0", hashOf("u")), "closed");
  await ledger.giveOrder(given(1, 5));
  for (let i = 0; i < 2; i++) await ledger.closeOrder("1/5/0");
  checkSame(await ledger.acceptUpdate("1/5/0", hashOf("u")), "closed");
  checkSame(await show(ledger, "1/5/0"), ["1/5/0", 5, 1, hashOf("broadcast 1"), "closed", null, null]);
}

async function numbers(ledger: Ledger): Promise<void> {
  const sequences: unknown[] = [];
  for (let round = 1; round <= 3; round++) {
    for (const client of [3, 1, 2]) {
      await ledger.giveOrder(given(round, client));
      await ledger.acceptUpdate(`${round}/${client}/0`, hashOf(`${round} ${client}`));
      await ledger.acceptUpdate(`${round}/${client}/0`, hashOf("other"));
      sequences.push((await ledger.order(`${round}/${client}/0`))?.sequence);
    }
    await ledger.forgetBefore(round + 1);
  }
  checkSame(sequences, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

async function rivals(ledger: Ledger): Promise<void> {
  for (const client of [0, 1]) await ledger.giveOrder(given(1, client));
  const same = Array.from({ length: 20 }, () => ledger.acceptUpdate("1/0/0", hashOf("u")));
  const others = Array.from({ length: 20 }, (_, i) => ledger.acceptUpdate("1/1/0", hashOf(`${i}`)));
  const count = (answers: readonly string[], answer: string) => answers.filter((each) => each === answer).length;
  const [answers, different] = [await Promise.all(same), await Promise.all(others)];
  checkSame([count(answers, "accepted"), count(answers, "again")], [1, 19]);
  checkSame([count(different, "accepted"), count(different, "other")], [1, 19]);
}

async function forgets(ledger: Ledger): Promise<void> {
  checkSame(await ledger.forgetBefore(9), []);
  checkSame(await ledger.updates(), []);
  for (const [round, client, update] of [
    [1, 1, "a"],
    [1, 2, "b"],
    [2, 1, "b"],
    [2, 2, "c"],
    [3, 1, "d"],
  ] as const) {
    await ledger.giveOrder(given(round, client));
    await ledger.acceptUpdate(`${round}/${client}/0`, hashOf(update));
  }
  await ledger.giveOrder(given(1, 3));
  checkSame(await ledger.updates(), ["a", "b", "c", "d"].map(hashOf).sort());
  checkSame(await ledger.forgetBefore(1), []);
  checkSame(await ledger.forgetBefore(2), [hashOf("a")]);
  checkSame(await ledger.updates(), ["b", "c", "d"].map(hashOf).sort());
  checkSame(await show(ledger, "1/3/0"), null);
  checkSame(await ledger.acceptUpdate("1/1/0", hashOf("a")), "closed");
  checkSame(await ledger.forgetBefore(3), ["a", "b", "c"].map(hashOf).sort());
  checkSame(await ledger.forgetBefore(3), []);
  checkSame((await ledger.order("3/1/0"))?.sequence, 5);
}

async function lists(ledger: Ledger): Promise<void> {
  checkSame(await ledger.ordersOf(2), []);
  for (const [round, client] of [
    [2, 10],
    [1, 5],
    [2, 9],
    [3, 9],
  ] as const)
    await ledger.giveOrder(given(round, client));
  await ledger.giveOrder({ ...given(2, 9), id: "2/9/1" });
  await ledger.acceptUpdate("2/9/0", hashOf("u"));
  await ledger.closeOrder("2/10/0");
  const rows = (await ledger.ordersOf(2)).map(({ id, status, sequence }) => [id, status, sequence ?? null]);
  checkSame(rows, [
    ["2/10/0", "closed", null],
    ["2/9/0", "accepted", 1],
    ["2/9/1", "given", null],
  ]);
}

async function returnsRefused(ledger: Ledger): Promise<void> {
  for (const client of [1, 2, 3]) await ledger.giveOrder(given(1, client));
  await ledger.acceptUpdate("1/1/0", hashOf("a"));
  await ledger.closeOrder("1/2/0");
  checkSame(await ledger.acceptUpdate("1/1/0", hashOf("other")), "other");
  checkSame(await ledger.acceptUpdate("1/2/0", hashOf("late")), "closed");
  checkSame(await ledger.acceptUpdate("1/2/0", hashOf("a")), "closed");
  checkSame(await ledger.acceptUpdate("1/2/0", hashOf("b")), "closed");
  checkSame(await ledger.acceptUpdate("1/3/0", hashOf("b")), "accepted");
  checkSame(await ledger.forgetBefore(1), ["late", "other"].map(hashOf).sort());
  checkSame(await ledger.forgetBefore(2), ["a", "b"].map(hashOf).sort());
}

async function notesVersions(ledger: Ledger): Promise<void> {
  const [x, y] = [hashOf("x"), hashOf("y")];
  const answers = [
    await ledger.noteVersion(2, x),
    await ledger.noteVersion(1, x),
    await ledger.noteVersion(1, x),
    await ledger.noteVersion(1, y),
    await ledger.noteVersion(1),
    await ledger.noteVersion(2),
    await ledger.noteVersion(2),
    await ledger.noteVersion(1, x),
    await ledger.noteVersion(2, y),
    await ledger.noteVersion(2, x),
    await ledger.noteVersion(4, x),
  ];
  checkSame(answers, ["gap", "noted", "noted", "other", "noted", "noted", "noted", "past", "noted", "other", "gap"]);
}

async function survives(open: OpenLedger): Promise<void> {
  const first = await open();
  await first.putClient({ client: 1, publicKey: "k", name: "n", labels: { a: "b" }, status: "ejected", token: "" });
  await first.putToken({ hash: hashOf("t"), expires: 5, client: 3, places: 1, revoked: true });
  for (const client of [1, 2, 3]) await first.giveOrder(given(1, client));
  await first.acceptUpdate("1/1/0", hashOf("u"));
  await first.closeOrder("1/2/0");
  await first.noteVersion(1, hashOf("broadcast 1"));
  const look = async (ledger: Ledger) => [
    (await ledger.clients()).map(showClient),
    (await ledger.tokens()).map(showToken),
    ...(await Promise.all([1, 2, 3].map((client) => show(ledger, `1/${client}/0`)))),
  ];
  const before = await look(first);
  await first.close();
  const second = await open();
  checkSame(await look(second), before);
  checkSame(await second.acceptUpdate("1/1/0", hashOf("u")), "again");
  checkSame(await second.acceptUpdate("1/3/0", hashOf("v")), "accepted");
  checkSame((await second.order("1/3/0"))?.sequence, 2);
  checkSame(await second.noteVersion(1, hashOf("another model")), "other");
  await second.close();
}

/** The caller deletes what `forgetBefore` returned; where it died before, it learns of it again. */
async function returnsAgain(open: OpenLedger): Promise<void> {
  const first = await open();
  await first.giveOrder(given(1, 1));
  await first.acceptUpdate("1/1/0", hashOf("u"));
  checkSame(await first.forgetBefore(2), [hashOf("u")]);
  await first.close();
  const second = await open();
  checkSame(await second.forgetBefore(2), [hashOf("u")]);
  checkSame(await second.forgetBefore(2), []);
  await second.close();
  const third = await open();
  checkSame(await third.forgetBefore(2), []);
  await third.close();
}

async function opensOnce(open: OpenLedger): Promise<void> {
  const first = await open();
  checkSame(await rejection(open()), "ledger/locked");
  await first.putClient({ client: 1, publicKey: "k", name: "", labels: {}, status: "enrolled", token: "" });
  await first.close();
  const second = await open();
  await first.close();
  checkSame(await rejection(open()), "ledger/locked");
  check((await second.clients()).length === 1, "the refused opening changed something");
  await second.close();
}

async function refusesClosed(open: OpenLedger): Promise<void> {
  const ledger = await open();
  await ledger.close();
  await ledger.close();
  const calls = [
    ledger.ordersOf(1),
    ...[ledger.clients(), ledger.tokens(), ledger.order("1/1/0"), ledger.closeOrder("1/1/0"), ledger.forgetBefore(1)],
    ...[ledger.updates(), ledger.noteVersion(1)],
    ...[ledger.giveOrder(given(1, 1)), ledger.acceptUpdate("1/1/0", hashOf("u"))],
    ledger.putClient({ client: 1, publicKey: "", name: "", labels: {}, status: "enrolled", token: "" }),
    ledger.putToken({ hash: hashOf(""), expires: undefined, client: undefined, places: undefined, revoked: false }),
  ];
  checkSame(
    await Promise.all(calls.map(rejection)),
    calls.map(() => "ledger/closed"),
  );
}

/** Something of the form of a SHA-256, distinct for distinct short texts. */
function hashOf(text: string): string {
  return Array.from(text, (letter) => letter.charCodeAt(0).toString(16).padStart(2, "0"))
    .join("")
    .padEnd(64, "0");
}

async function show(ledger: Ledger, id: string): Promise<unknown> {
  const row: OrderRow | undefined = await ledger.order(id);
  if (row === undefined) return null;
  return [row.id, row.client, row.version, row.broadcast, row.status, row.hash ?? null, row.sequence ?? null];
}

function showClient({ client, publicKey, name, labels, status, token }: EnrolledClient): unknown {
  return [client, publicKey, name, Object.entries(labels).sort(), status, token];
}

function showToken({ hash, expires, client, places, revoked }: JoinToken): unknown {
  return [hash, expires ?? null, client ?? null, places ?? null, revoked];
}
