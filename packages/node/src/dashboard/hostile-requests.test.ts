import { appendFile, truncate } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TestDashboard, testDashboard } from "./testing/test-dashboard.ts";

let world: TestDashboard;
beforeEach(async () => {
  world = await testDashboard();
});
afterEach(() => world.close());

const json = { "content-type": "application/json" };
const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

describe("a body that is nested deeply", () => {
  const places: readonly ((value: string) => string)[] = [
    (value) => value,
    (value) => `{"config": ${value}}`,
    (value) => `{"config": {"name": ${value}}}`,
    (value) => `{"config": {"nonsense": ${value}}}`,
    (value) => `{"config": {"algorithm": {"name": "fedprox", "proximalStrength": ${value}}}}`,
    (value) => `{"config": {"algorithm": {"name": "fedavg", "nonsense": ${value}}}}`,
    (value) => `{"config": {"model": {"name": "mlp", "hidden": ${value}}}}`,
    (value) => `{"config": {"sampler": {"name": "uniform", "nonsense": ${value}}}}`,
    (value) => `{"config": {"data": {"synthetic": {"shape": ${value}}}}}`,
  ];

  it.each(places.map((place, index) => [index, place] as const))("is refused, place %i", async (_index, place) => {
    for (const depth of [40, 5000, 32_000]) {
      for (const path of ["/api/check", "/api/started"]) {
        const response = await world.request(path, { method: "POST", headers: json, body: place(nested(depth)) });
        expect([response.status, world.faults]).toEqual([expect.toSatisfy((s: number) => [400, 422].includes(s)), []]);
      }
    }
  });

  it("is not read where it is long", async () => {
    const response = await world.request("/api/check", { method: "POST", headers: json, body: "[".repeat(2 ** 20) });
    expect([response.status, world.faults]).toEqual([413, []]);
  });
});

describe("requests without the token", () => {
  it("do not use up those of its holder, and the other way round", async () => {
    const few = await testDashboard({ burst: 5, perSecond: 0.001 });
    const statusOf = async (path: string, authorization?: string) =>
      (await few.request(path, authorization === undefined ? {} : { headers: { authorization } })).status;
    const strangers: number[] = [];
    for (let i = 0; i < 8; i++) strangers.push(await statusOf("/api/runs", i % 2 === 0 ? "" : "Bearer guessed"));
    expect(strangers).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
    const holder: number[] = [];
    for (let i = 0; i < 7; i++) holder.push(await statusOf("/api/started"));
    expect(holder).toEqual([200, 200, 200, 200, 200, 429, 429]);
    await few.close();
  });
});

describe("the events of a large log", () => {
  const line = (number: number) => `{"number":${number},"padding":"${"x".repeat(200)}"}\n`;
  const lines = (from: number, count: number) => Array.from({ length: count }, (_, i) => line(from + i)).join("");
  const first = 10_000;

  /** Numbers of the events as they come; `meanwhile` is called when the first was taken. */
  async function* numbersOf(meanwhile: () => Promise<void>): AsyncGenerator<number> {
    const response = await world.request("/api/runs/a-run/events");
    expect(response.status).toBe(200);
    const decoder = new TextDecoder();
    let text = "";
    let taken = 0;
    for await (const part of response.body!) {
      text += decoder.decode(part, { stream: true });
      const events = text.split("\n\n");
      text = events.pop()!;
      for (const event of events) {
        if (!event.startsWith("id:")) continue;
        yield JSON.parse(event.split("data: ")[1]!).number;
        if (taken++ === 0) await meanwhile();
      }
    }
  }

  it("come each once and in their order while a run writes, also half lines", async () => {
    const folder = await world.run("a-run", lines(1, first));
    const log = join(folder, "events.jsonl");
    let written = first;
    const write = async () => {
      for (let i = 0; i < 40; i++) {
        const more = lines(written + 1, 100);
        await appendFile(log, more.slice(0, 5000));
        await appendFile(log, more.slice(5000));
        written += 100;
      }
    };
    let expected = 1;
    let writing: Promise<void> | undefined;
    const begin = async () => {
      writing = write();
    };
    for await (const number of numbersOf(begin)) {
      expect(number).toBe(expected++);
      if (expected > first + 4000) break;
    }
    await writing;
    expect(written).toBe(first + 4000);
  });

  it("end where the log is cut and written anew while they are taken", async () => {
    const folder = await world.run("a-run", lines(1, first));
    const log = join(folder, "events.jsonl");
    const resume = async () => {
      await truncate(log, 0);
      await appendFile(log, lines(1_000_001, 2 * first));
    };
    const seen: number[] = [];
    for await (const number of numbersOf(resume)) seen.push(number);
    expect(seen.length).toBeGreaterThan(0);
    expect(seen).toEqual(Array.from({ length: seen.length }, (_, i) => i + 1));
  });
});
