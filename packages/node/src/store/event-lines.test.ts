import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readRunFolder } from "../report/run-data.ts";
import { longestLine, readEvents, readLines } from "./event-lines.ts";
import { truncateAfterRound } from "./event-log.ts";
import { exampleEvents } from "./example-events.ts";

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-lines-"));
  path = join(folder, "events.jsonl");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const events = exampleEvents({ rounds: 2 });
const lines = events.map((event) => JSON.stringify(event));

async function read() {
  const passed = { tooLong: 0 };
  const found = [];
  for await (const event of readEvents(path, passed)) found.push(event);
  return { found, ...passed };
}

describe("lines of a log", () => {
  it("are those of the text, wherever blocks end, and undefined beyond the limit", async () => {
    const line = fc.string({ unit: fc.constantFrom("a", "é", "日", "\r", " "), maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 8 }), fc.nat(20), async (texts, limit) => {
        // 256 kB are read at a time: the lines lie around that place
        const padding = "x".repeat(256 * 1024 - 20);
        await writeFile(path, [padding, ...texts].join("\n"));
        const expected = texts.at(-1) === "" ? texts.slice(0, -1) : texts;
        const found = [...readLines(path, limit)];
        expect(found[0]).toBeUndefined();
        expect(found.slice(1)).toEqual(expected.map((text) => (Buffer.byteLength(text) <= limit ? text : undefined)));
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  it("that are too long are counted, never held, and leave the others", async () => {
    const long = "x".repeat(longestLine + 1);
    await writeFile(path, [...lines.slice(0, 3), long, ...lines.slice(3), long, ""].join("\n"));
    expect(await read()).toEqual({ found: events, tooLong: 2 });
    expect(readRunFolder(folder)).toMatchObject({ skippedEvents: 2, rounds: [{ round: 1 }, { round: 2 }] });
    // with the end of the run, which a resumed run comes to again
    expect(await truncateAfterRound(path, 2)).toBe(3);
    expect(await read()).toEqual({ found: events.slice(0, -1), tooLong: 0 });
  });

  it.each([
    ["deep JSON", `${"[".repeat(1e6)}${"]".repeat(1e6)}`],
    ["deep JSON that is not closed", '{"a":'.repeat(1e5)],
    ["a deep field of an event", lines[1]!.replace(/}$/, `,"x":${"[".repeat(1e5)}${"]".repeat(1e5)}}`)],
    ["__proto__", lines[1]!.replace(/^\{/, '{"__proto__":{"round":99,"polluted":1},')],
    ["__proto__ in a table", lines[2]!.replace(/}$/, ',"drift":{"__proto__":{"absolute":1,"relative":1}}}')],
    ["constructor", lines[1]!.replace(/^\{/, '{"constructor":{"prototype":{"polluted":1}},"toString":1,')],
    ["an event that is called __proto__", '{"v":1,"type":"__proto__","round":1}'],
    ["an event that is called constructor", '{"v":1,"type":"constructor","round":1}'],
    ["numbers that are none", '{"v":1,"type":"round.finished","round":1e999}'],
  ])("with %s harm nothing", async (_what, line) => {
    await writeFile(path, [...lines, line, ""].join("\n"));
    const { found } = await read();
    expect(found.slice(0, events.length)).toEqual(events);
    for (const event of found) expect(Object.getPrototypeOf(event)).toBe(Object.prototype);
    const run = readRunFolder(folder);
    expect(run.rounds.map(({ round }) => round)).toEqual([1, 2]);
    for (const { drift } of run.rounds) expect(Object.getPrototypeOf(drift ?? {})).toBe(Object.prototype);
    await truncateAfterRound(path, 1);
    expect((await read()).found.length).toBeGreaterThan(0);
    expect({}).not.toHaveProperty("polluted");
  });

  it("are not read through a link", async () => {
    await rm(path);
    await symlink(join(folder, "elsewhere"), path);
    expect(() => readRunFolder(folder)).toThrow(expect.objectContaining({ code: "store/link" }));
    await rm(path);
  });
});
