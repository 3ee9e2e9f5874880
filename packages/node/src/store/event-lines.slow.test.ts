import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readRunFolder } from "../report/run-data.ts";
import { readEvents } from "./event-lines.ts";
import { truncateAfterRound } from "./event-log.ts";
import { exampleEvents } from "./example-events.ts";

it("lines of half a gigabyte are passed over, and more of them refused", async () => {
  const folder = await mkdtemp(join(tmpdir(), "anabranch-lines-"));
  const path = join(folder, "events.jsonl");
  const events = exampleEvents({ rounds: 2 });
  const read = async () => {
    const passed = { tooLong: 0 };
    const found = [];
    for await (const event of readEvents(path, passed)) found.push(event);
    return { found, ...passed };
  };
  await writeFile(
    path,
    events.map((event) => `${JSON.stringify(event)}\n`),
  );
  // a hole of the disk: a line of zeros longer than any text can be
  await truncate(path, 2 ** 29 + 2 ** 20);
  expect(await read()).toEqual({ found: events, tooLong: 1 });
  await truncate(path, 2 ** 34);
  await expect(read()).rejects.toMatchObject({ code: "store/too-large" });
  expect(() => readRunFolder(folder)).toThrow(expect.objectContaining({ code: "store/too-large" }));
  await expect(truncateAfterRound(path, 1)).rejects.toMatchObject({ code: "store/too-large" });
  await rm(folder, { recursive: true, force: true });
});
