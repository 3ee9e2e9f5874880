import { expect, it } from "vitest";
import { encodeUpdate, type Update } from "../protocol/index.ts";
import { blobName, contentHashOf } from "./content-hash.ts";
import { EXAMPLES, type Hand, join, open, plan } from "./testing/hand.ts";

const { layout } = Object.values(plan.payloads.upload)[0]!;

/** Two clients with orders of round 1. */
async function ordered() {
  const opened = await open();
  const hands = [await join(opened, 1), await join(opened, 2)];
  const { backend } = opened.server;
  await backend.publish(1, { round: 1, vectors: { parameters: new Float64Array(layout.size) }, scalars: {} });
  for (const client of [0, 1]) {
    const about = { version: 1, part: undefined, learningRate: 0.1, keys: {}, loadState: async () => undefined };
    backend.submit({ id: `1/${client}/0`, client, ...about });
  }
  const asked = (hand: Hand) => hand.received.at(-1)?.type === "task";
  await opened.timers.run(() => hands.every(asked));
  return { ...opened, hands, backend };
}

async function arrived(client: number, value: number) {
  const bytes = encodeUpdate({
    ...{ round: 1, client, layoutHash: plan.layout.hash },
    vectors: { delta: new Float64Array(layout.size).fill(value) },
    public: { examples: EXAMPLES, steps: 3, weight: 1, loss: value },
  } satisfies Update);
  return { hash: await contentHashOf(bytes), bytes: bytes.length, read: async () => bytes };
}

it("no client is late because the store of the server takes its time", async () => {
  const { server, timers, backend } = await ordered();
  const update = await arrived(0, 0.5);
  const keep = () => new Promise<void>((resolve) => void timers.after(200_000, resolve));
  const answer = server.uploaded(0, "1/0/0", { ...update, keep });
  // the client asks again while it waits: that must not start its deadline
  timers.after(1000, () => void server.mayUpload(0, "1/0/0", update.hash, update.bytes));
  await timers.run(() => timers.now() >= 200_000);
  expect(await answer).toMatchObject({ status: "accepted" });
  expect(await backend.outcome("1/1/0")).toMatchObject({ failure: { code: "client/late" } }); // the other one has its deadline
});

it("the deadline of a client starts anew when its update could not be stored", async () => {
  const { server, timers, backend } = await ordered();
  const keep = () => Promise.reject(new Error("no room"));
  await expect(server.uploaded(0, "1/0/0", { ...(await arrived(0, 0.5)), keep })).rejects.toThrow("no room");
  const outcome = backend.outcome("1/0/0");
  timers.after(61_000, () => {});
  await timers.run(() => timers.now() >= 61_000);
  expect(await outcome).toMatchObject({ failure: { code: "client/late" } });
});

it("updates that are stored at the same time are not mistaken for each other", async () => {
  const { server, blobs, backend } = await ordered();
  const stored = Promise.withResolvers<void>();
  const answers = await Promise.all(
    [0, 1].map(async (client) => {
      const update = await arrived(client, client + 1);
      const keep = async () => {
        await blobs.put(blobName(update.hash), (await update.read())!);
        if (client === 1) stored.resolve();
        await stored.promise;
      };
      return server.uploaded(client, `1/${client}/0`, { ...update, keep });
    }),
  );
  expect(answers.map(({ status }) => status)).toEqual(["accepted", "accepted"]);
  const outcomes = [await backend.outcome("1/0/0"), await backend.outcome("1/1/0")];
  expect(outcomes.map((outcome) => "update" in outcome && outcome.update.public.loss)).toEqual([1, 2]);
});

it("a model that is not trained any more leaves the store", async () => {
  const { blobs, backend } = await ordered();
  expect(await blobs.list("")).toHaveLength(1);
  backend.retire(1);
  await expect.poll(() => blobs.list("")).toEqual([]);
});
