import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AnabranchError, type ConfigInput, resolveConfig } from "@anabranch/core";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { GlobalOptions } from "./globals.ts";
import { liesInRunFolder, requireTrust } from "./trust.ts";

let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "anabranch-consent-")));
  vi.stubEnv("XDG_CACHE_HOME", at("cache"));
  await writeFile(at("a.mjs"), "export default 1;");
  await writeFile(at("b.csv"), "x,label");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const globals: GlobalOptions = {
  json: false,
  quiet: false,
  runs: "runs",
  dataDir: undefined,
  workers: undefined,
  set: [],
};
const code = (): ConfigInput => ({ algorithm: { file: at("a.mjs") }, data: { dataset: `csv:${at("b.csv")}` } });
/** The refusals that a user was shown, each answered with yes or no. */
async function asked(config: ConfigInput, ask: "none" | "code" | "all", yes?: boolean): Promise<string[]> {
  const shown: string[] = [];
  const answer = async ({ failure }: AnabranchError) => {
    shown.push(failure.received!);
    return yes!;
  };
  const where = "w.toml";
  await requireTrust([resolveConfig(config)], { where, ask }, {}, globals, yes === undefined ? undefined : answer);
  return shown;
}

it("asks once for what is not known, and takes yes and no", async () => {
  await expect(asked(code(), "all", false)).rejects.toMatchObject({ code: "trust/declined" });
  await expect(asked(code(), "all")).rejects.toMatchObject({ code: "trust/files" });
  const [question] = await asked(code(), "all", true);
  expect(question).toMatch(/^data.dataset: .*b.csv\nalgorithm.file: .*a.mjs \(sha256 [0-9a-f]{64}\)$/);
  expect(await asked(code(), "all", false)).toEqual([]);
});

it("asks for code alone where data need no consent", async () => {
  const [question] = await asked(code(), "code", true);
  expect(question).toMatch(/^algorithm.file: [^\n]*$/);
});

it("records what a configuration of the user's own names, for later", async () => {
  expect(await asked(code(), "none")).toEqual([]);
  expect(await asked(code(), "all")).toEqual([]);
  await writeFile(at("a.mjs"), "export default 2;");
  await expect(asked(code(), "all")).rejects.toMatchObject({ code: "trust/files" });
});

it("does not take a file that was read for one that may be executed", async () => {
  await asked({ data: { dataset: `csv:${at("a.mjs")}` } }, "none");
  await expect(asked({ data: { file: at("a.mjs") } }, "all")).rejects.toMatchObject({ code: "trust/files" });
});

it("trusts nothing on the word of a record that is damaged or cannot be written", async () => {
  await asked(code(), "none");
  const record = join(at("cache"), "anabranch", "trusted-files.json");
  for (const text of ["", "[]", "null", "{", await readFile(record, "utf8").then((text) => text.slice(1))]) {
    await writeFile(record, text);
    await expect(asked(code(), "all"), text).rejects.toMatchObject({ code: "trust/files" });
  }
  await rm(at("cache"), { recursive: true });
  await writeFile(at("cache"), "a file where a folder should be");
  expect(await asked(code(), "none")).toEqual([]);
  await expect(asked(code(), "all")).rejects.toMatchObject({ code: "trust/files" });
});

it("sees that a file lies in a run's folder, at any depth and through links", async () => {
  await mkdir(at("run/deeper"), { recursive: true });
  await mkdir(at("mine"));
  for (const name of ["run/config.toml", "run/deeper/x.toml", "mine/config.toml"]) await writeFile(at(name), "");
  await symlink(at("run/config.toml"), at("mine/link.toml"));
  await symlink(at("run"), at("alias"));
  expect(liesInRunFolder(at("run/config.toml"))).toBe(false);
  await writeFile(at("run/events.jsonl"), "");
  for (const name of ["run/config.toml", "run/deeper/x.toml", "mine/link.toml", "alias/config.toml"])
    expect(liesInRunFolder(at(name)), name).toBe(true);
  expect(liesInRunFolder(at("mine/config.toml"))).toBe(false);
  await mkdir(at("mine/checkpoints"));
  expect(liesInRunFolder(at("mine/config.toml"))).toBe(true);
});
