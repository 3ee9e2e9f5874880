import { execFileSync } from "node:child_process";
import {
  cp,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { callCommand } from "./testing/call-command.ts";

/** Run folders as a stranger may hand them over. Whatever they hold, nothing outside of them is written or shown. */
let base: string;
/** A folder of runs with one run, as it was. */
let original: string;
/** The folders of the test at hand. */
let runs: string;
let run: string;
let outside: string;
let here: string;
const before = process.cwd();

beforeAll(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), "anabranch-strange-")));
  await writeFile(
    join(base, "tiny.toml"),
    `name = "tiny"
rounds = 2
data = { dataset = "synthetic", clients = 4 }
model = { name = "logistic" }
algorithm = { name = "scaffold" }
sampler = { cohort = 2 }
`,
  );
  original = join(base, "original");
  await call("run", join(base, "tiny.toml"), "--quiet", "--workers", "0", "--runs", original);
}, 120_000);
afterAll(() => rm(base, { recursive: true, force: true }));

beforeEach(async () => {
  const place = await mkdtemp(join(base, "test-"));
  runs = join(place, "runs");
  await cp(original, runs, { recursive: true });
  await rm(join(runs, "index.sqlite"));
  run = join(runs, (await readdir(runs)).find((name) => name.includes("-tiny-"))!);
  outside = join(place, "outside");
  here = join(place, "here");
  await mkdir(outside);
  await mkdir(here);
  await writeFile(join(outside, "victim"), 'keep = "secret"');
  process.chdir(here);
});
afterEach(() => process.chdir(before));

async function call(...words: readonly string[]) {
  const { stdout, ...rest } = await callCommand(...words, "--json");
  const answer = stdout.trim().split("\n").at(-1)!;
  return {
    ...rest,
    answer: (stdout.startsWith("{\n") ? JSON.parse(stdout) : parsed(answer)) as Record<string, unknown>,
  };
}

const parsed = (text: string): unknown => (text.startsWith("{") ? JSON.parse(text) : { text });
const at = (...parts: readonly string[]) => join(run, ...parts);
const error = async (...words: readonly string[]) => (await call(...words, "--runs", runs)).answer["error"];
const victim = () => readFile(join(outside, "victim"), "utf8");

/** Changes the text of the log. */
async function tell(change: (events: string) => string): Promise<void> {
  await writeFile(at("events.jsonl"), change(await readFile(at("events.jsonl"), "utf8")));
}

/** Takes the last round away, so that there is something to resume. */
async function undo(): Promise<void> {
  await tell((text) =>
    text
      .split("\n")
      .filter((line) => !/"round":2|run\.finished/.test(line))
      .join("\n"),
  );
  await rm(at("checkpoints", "round-00000002.safetensors"));
}

async function nothingElseWasMade(): Promise<void> {
  expect(await victim()).toBe('keep = "secret"');
  expect(await readdir(outside)).toEqual(["victim"]);
  expect((await readdir(join(here, ".."))).sort()).toEqual(["here", "outside", "runs"]);
}

const wicked: [what: string, text: string][] = [
  ...[
    "../../outside/victim",
    "/etc/passwd",
    "..",
    ".",
    "",
    "a/b\\\\c",
    "C:x",
    "\\u0000",
    "-f",
    "__proto__",
    "last",
  ].map((text): [string, string] => [JSON.stringify(text), text]),
  ["a very long one", "x".repeat(5000)],
];

describe("names and ids in events", () => {
  it.each(wicked)("make no path: %s", async (_what, text) => {
    await tell((events) =>
      events.replace('"name":"tiny"', `"name":"${text}"`).replace(/"run":"[^"]*"/, `"run":"${text}"`),
    );
    const { answer } = await call("export", "last", "--safetensors", "--runs", runs);
    expect(await readdir(here)).toEqual([basename(String(answer["file"]))]);
    expect(answer["run"]).toBe(run.split("-").at(-1));
    const compared = await call("compare", "last", "--runs", runs);
    expect(compared.answer["folder"]).toBe(join(runs, `compare-${run.split("-").at(-1)}`));
    await nothingElseWasMade();
  });

  it("do not choose the run that is meant", async () => {
    const other = join(runs, "20200101-000000-other-abc234");
    await cp(run, other, { recursive: true });
    // the other run says that it is the first
    expect((await call("show", run.split("-").at(-1)!, "--runs", runs)).answer["run"]).toMatchObject({ folder: run });
    expect((await call("show", "abc234", "--runs", runs)).answer["run"]).toMatchObject({ folder: other });
    expect(await error("show", "../../outside")).toMatchObject({ code: "run/not-found" });
    expect(await error("resume", "..")).toMatchObject({ code: "run/not-found" });
  });

  it.each([
    "\u001b]0;x\u0007-abc",
    "$(touch x)",
    "a b",
    "..x",
    "-rf",
    "ünï",
    "CON",
    "...",
  ])("and of folders make no path either: %j", async (name) => {
    await rename(run, join(runs, name));
    await nameNoId(join(runs, name));
    const { answer } = await call("export", join(runs, name), "--onnx", "--runs", runs);
    expect(basename(String(answer["file"]))).toMatch(/^[a-z0-9-]+\.onnx$/);
    expect(basename(String((await call("compare", join(runs, name), "--runs", runs)).answer["folder"]))).toMatch(
      /^compare-[a-z0-9-]+$/,
    );
    await nothingElseWasMade();
  });
});

/** Has the events of a renamed folder name something else than an id. */
async function nameNoId(folder: string): Promise<void> {
  const path = join(folder, "events.jsonl");
  await writeFile(path, (await readFile(path, "utf8")).replace(/"run":"[^"]*"/, '"run":"../../x"'));
}

describe("files that were there", () => {
  it("are not overwritten by export, unless by force", async () => {
    const words = ["export", "last", "--safetensors"];
    const file = String((await call(...words, "--runs", runs)).answer["file"]);
    await writeFile(file, "mine");
    expect(await error(...words)).toMatchObject({ code: "usage/file-exists", where: file });
    expect(await readFile(file, "utf8")).toBe("mine");
    await rm(file);
    await symlink(join(outside, "absent"), file);
    expect(await error(...words)).toMatchObject({ code: "usage/file-exists" });
    expect(await error(...words, "--force")).toBeUndefined();
    expect((await readFile(file)).length).toBeGreaterThan(1000);
    expect(await error(...words, "-o", here)).toMatchObject({ code: "usage/file-exists" });
    expect(await error(...words, "-o", join(here, "no", "folder"))).toMatchObject({ code: "usage/no-folder" });
    await nothingElseWasMade();
  });

  it("are not overwritten by compare, unless they are its own", async () => {
    expect(await error("compare", "last", "-o", "out")).toBeUndefined();
    expect(await error("compare", "last", "-o", "out")).toBeUndefined();
    await writeFile("out/report.html", "mine");
    expect(await error("compare", "last", "-o", "out")).toMatchObject({ code: "usage/file-exists" });
    expect(await readFile("out/report.html", "utf8")).toBe("mine");
    await rm("out/report.html");
    expect(await error("compare", "last", "-o", "out")).toMatchObject({ code: "usage/file-exists" });
    expect(await error("compare", "last", "-o", "out", "--force")).toBeUndefined();
  });

  it("are not reached by a link where compare puts its report", async () => {
    const name = `compare-${run.split("-").at(-1)}`;
    await symlink(outside, join(runs, name));
    expect(await error("compare", "last")).toMatchObject({ code: "store/link" });
    await rm(join(runs, name));
    await mkdir(join(runs, name));
    await symlink(outside, join(runs, name, "charts"));
    expect(await error("compare", "last", "--force")).toMatchObject({ code: "store/link" });
    await nothingElseWasMade();
  });
});

const files = [
  "config.toml",
  "events.jsonl",
  "metrics.csv",
  "partition.json",
  "model.json",
  "model.safetensors",
  "model.onnx",
  "model-card.md",
  "report.html",
  "lock",
  "notes",
];
const all = ["show", "compare", "export", "resume", "cite"];
const words = (word: string) => [
  word,
  run,
  ...(word === "export" ? ["--onnx"] : word === "resume" ? ["--workers", "0"] : []),
];

describe("in the folder of a run", () => {
  it.each(files)("a link in place of %s is followed by no command", async (name) => {
    await undo();
    await rm(at(name), { force: true });
    await symlink(join(outside, "victim"), at(name));
    for (const word of all)
      expect(await error(...words(word)), word).toMatchObject({ code: "store/link", where: at(name) });
    expect((await call("list", "--runs", runs)).answer["runs"]).toMatchObject([{ status: "unreadable" }]);
    await nothingElseWasMade();
  });

  it.each([
    "checkpoints",
    "charts",
    "client-states",
  ])("a link in place of %s is followed by no command", async (name) => {
    await undo();
    const moved = join(here, "..", "runs", "moved");
    await rename(at(name), moved);
    const inside = await readdir(moved, { recursive: true });
    await symlink(moved, at(name));
    for (const word of all) expect(await error(...words(word)), word).toMatchObject({ code: "store/link" });
    expect(await readdir(moved, { recursive: true })).toEqual(inside);
  });

  it("links deeper in it are not followed when it is resumed", async () => {
    await undo();
    const shard = join(outside, "..", "runs", "shard");
    await rename(at("client-states", "0"), shard);
    const states = await readdir(shard);
    await symlink(shard, at("client-states", "0"));
    expect(await error(...words("resume"))).toMatchObject({ code: "store/link", where: at("client-states", "0") });
    expect(await readdir(shard)).toEqual(states);
    await rm(at("client-states", "0"));
    await rename(shard, at("client-states", "0"));
    await rm(at("checkpoints", "best.safetensors"), { force: true });
    await symlink(join(outside, "victim"), at("checkpoints", "best.safetensors"));
    expect(await error(...words("resume"))).toMatchObject({ code: "store/link" });
    expect(await error("export", run, "--best", "--safetensors")).toMatchObject({ code: "store/link" });
    await nothingElseWasMade();
  });

  it.skipIf(process.platform === "win32").each(files)("a pipe in place of %s is not waited for", async (name) => {
    await rm(at(name), { force: true });
    execFileSync("mkfifo", [at(name)]);
    for (const word of all) expect(await error(...words(word)), word).toMatchObject({ code: "store/not-a-file" });
  });

  it.each([
    "config.toml",
    "events.jsonl",
    "lock",
    "report.html",
  ])("a folder in place of %s is refused", async (name) => {
    await rm(at(name), { force: true });
    await mkdir(at(name));
    for (const word of all) expect(await error(...words(word)), word).toMatchObject({ code: "store/not-a-file" });
    expect((await call("list", "--runs", runs)).answer["runs"]).toMatchObject([{ status: "unreadable" }]);
  });

  it("a log with another name is not added to, and files made anew leave what shares them", async () => {
    await undo();
    for (const name of ["partition.json", "model.onnx", "metrics.csv", "report.html"]) {
      await rm(at(name));
      await link(join(outside, "victim"), at(name));
    }
    expect(await error(...words("resume"))).toBeUndefined();
    expect(await readFile(at("report.html"), "utf8")).toContain("tiny");
    await nothingElseWasMade();
    const log = await readFile(at("events.jsonl"), "utf8");
    await link(at("events.jsonl"), join(outside, "ended"));
    expect(await error(...words("resume"))).toBeUndefined();
    expect(await readFile(join(outside, "ended"), "utf8")).toBe(log);
    const cut = log.slice(0, log.trimEnd().lastIndexOf("\n") + 1);
    await writeFile(at("events.jsonl"), cut);
    await link(at("events.jsonl"), join(outside, "log"));
    expect(await error(...words("resume"))).toMatchObject({ code: "store/link", where: at("events.jsonl") });
    expect(await readFile(join(outside, "log"), "utf8")).toBe(cut);
  });

  it("the folder itself may be reached by a link of the user", async () => {
    await symlink(run, "mine");
    await symlink(runs, "all");
    expect((await call("show", "mine")).answer["run"]).toMatchObject({ folder: run });
    expect((await call("list", "--runs", "all")).answer["runs"]).toMatchObject([{ folder: run }]);
  });

  it("the index is not the user's other database", async () => {
    await symlink(join(outside, "victim"), join(runs, "index.sqlite"));
    expect(await error("list")).toMatchObject({ code: "store/link" });
    expect(await error("run", join(base, "tiny.toml"), "--workers", "0")).toBeUndefined();
    await nothingElseWasMade();
  });
});
