import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveConfig } from "@anabranch/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { exitCodeOf } from "../cli/exit-codes.ts";
import { startRun } from "./session.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-interrupt-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("an interrupt while data are loading", () => {
  it("ends the run before it has a folder, with the status of an interrupted one", async () => {
    await writeFile(join(folder, "table.csv"), "x,y\n1,2\n");
    const config = resolveConfig({ data: { dataset: `csv:${join(folder, "table.csv")}?label=y`, clients: 10 } });
    const interrupt = new AbortController();
    const options = { runs: join(folder, "runs"), signal: interrupt.signal };
    const running = startRun(config, options).catch((reason: unknown) => reason);
    interrupt.abort();
    const error = await running;
    expect(error).toMatchObject({ code: "run/interrupted" });
    expect(exitCodeOf(error)).toBe(130);
    expect(await readdir(folder)).toEqual(["table.csv"]);
  });
});
