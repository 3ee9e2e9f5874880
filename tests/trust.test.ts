import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { callCommand } from "../packages/node/src/cli/testing/call-command.ts";
import { command } from "../packages/node/src/cli/testing/spawn-command.ts";

/**
 * Configurations and run folders of others, through the whole command: code that they name runs only with the user's
 * consent, and what this user has run before needs none. Every module here leaves a mark when it is executed.
 */
let folder: string;
/** A finished run of the user's own, with an own data set, model and algorithm. */
let own: string;
const at = (...parts: string[]) => join(folder, ...parts);
const mark = () => at("executed");

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "anabranch-trust-")));
  const leaveMark = `import { appendFileSync } from "node:fs";\nappendFileSync(${JSON.stringify(mark())}, "x");\n`;
  const engine = JSON.stringify(new URL("../packages/engine/src/index.ts", import.meta.url).href);
  const core = JSON.stringify(new URL("../packages/core/src/index.ts", import.meta.url).href);
  await writeFile(at("helper.mjs"), "export const rows = 12;\n");
  await writeFile(
    at("data.mjs"),
    `${leaveMark}import { rows } from "./helper.mjs";
const part = (n) => ({ name: "mine", classes: 2,
  features: { dtype: "float", shape: [n, 2], data: Float32Array.from({ length: 2 * n }, (_, i) => i / 24) },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => i % 2) } });
export default () => ({ train: part(rows), test: part(4) });\n`,
  );
  await writeFile(
    at("model.mjs"),
    `${leaveMark}import { logistic } from ${core};
export default () => logistic({ input: [2], inputType: "float", classes: 2 });\n`,
  );
  await writeFile(
    at("algorithm.mjs"),
    `${leaveMark}import { fedavg } from ${core};\nimport ${engine};
export default fedavg;\n`,
  );
  await writeFile(
    at("own.toml"),
    config('file = "data.mjs"', '[model]\nfile = "model.mjs"\n[algorithm]\nfile = "algorithm.mjs"'),
  );
  const ended = await command(folder, "run", "own.toml", "--json", "--workers", "1");
  expect(ended.code, ended.stdout).toBe(0);
  own = String(ended.lines().at(-1)!["folder"]);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  vi.stubEnv("XDG_CACHE_HOME", at(".cache"));
  await rm(mark(), { force: true });
});
afterEach(() => vi.unstubAllEnvs());

function config(data: string, more = ""): string {
  return `rounds = 1\n[data]\nclients = 2\npartition.scheme = "iid"\n${data}\n[sampler]\ncohort = 1\n${more}\n`;
}

/** A run folder that somebody else has made, whose configuration names `evil.mjs` in it. */
async function strange(name: string, text = config('file = "EVIL"')): Promise<string> {
  const run = at(name);
  await cp(own, run, { recursive: true });
  await cp(at("data.mjs"), join(run, "evil.mjs"));
  await cp(at("helper.mjs"), join(run, "helper.mjs"));
  await writeFile(join(run, "config.toml"), text.replaceAll("EVIL", join(run, "evil.mjs")));
  return run;
}

/** The error of a command that is refused for lack of trust, before anything was executed. */
async function refused(...args: string[]): Promise<Record<string, string>> {
  const { code, stdout } = await callCommand(...args, "--runs", at("refused-runs"), "--json");
  const { error } = JSON.parse(stdout);
  expect([error.code, code], stdout).toEqual(["trust/files", 2]);
  expect(existsSync(mark())).toBe(false);
  expect(existsSync(at("refused-runs"))).toBe(false);
  return error;
}

describe("a run of the user's own", () => {
  it("is resumed without a question", async () => {
    const { code, stdout } = await command(folder, "resume", own, "--json", "--workers", "1");
    expect(code, stdout).toBe(0);
    expect(existsSync(mark())).toBe(true);
  });

  it("asks again once a file that its code imports has changed", async () => {
    const helper = await readFile(at("helper.mjs"), "utf8");
    await writeFile(at("helper.mjs"), `${helper}// changed\n`);
    const { received } = await refused("resume", own);
    expect(received).toMatch(
      new RegExp(`^data.file: ${at("data.mjs")} \\(sha256 [0-9a-f]{64}, imports 1 file: .*helper.mjs\\)$`),
    );
    await writeFile(at("helper.mjs"), helper);
  });
});

describe("the folder of a stranger's run", () => {
  it("executes nothing by resume or run, and names each file with path and hash", async () => {
    const run = await strange("stranger");
    const error = await refused("resume", run);
    expect(error).toMatchObject({
      message: "this configuration refers to code that you have not run before",
      where: run,
      received: expect.stringMatching(new RegExp(`^data.file: ${run}/evil.mjs \\(sha256 [0-9a-f]{64}`)),
      advice: expect.stringMatching(/add --trust/),
    });
    await refused("run", join(run, "config.toml"));
    await mkdir(join(run, "deeper"));
    await cp(join(run, "config.toml"), join(run, "deeper", "mine.toml"));
    await refused("run", join(run, "deeper", "mine.toml"));
    await symlink(join(run, "config.toml"), at("looks-mine.toml"));
    await refused("run", at("looks-mine.toml"));
    await rm(join(run, "events.jsonl"));
    await refused("run", join(run, "config.toml"));
  });

  it("names code in every place where it can hide", async () => {
    const variants: Record<string, string> = {
      "a module of the data folder": config(`dataset = "module:evil.mjs"\ndataDir = "${at("stranger-a")}"`),
      "a module as a data set": config('dataset = "module:EVIL"'),
      "a path with ..": config('file = "EVIL/../../stranger-c/evil.mjs"'.replace("EVIL/..", "EVIL/../deeper/..")),
      "a model, beside a name": config("", '[model]\nname = "logistic"\nfile = "EVIL"'),
      "an algorithm, beside a name": config("", '[algorithm]\nname = "fedavg"\nfile = "EVIL"'),
    };
    for (const [index, [what, text]] of Object.entries(variants).entries()) {
      const run = await strange(`stranger-${"abcde"[index]}`, text);
      await mkdir(join(run, "deeper"));
      expect((await refused("resume", run)).received, what).toContain(join(run, "evil.mjs"));
    }
  });

  it("cannot pass a module off as one of the user's by a link", async () => {
    const run = await strange("linked");
    await symlink(join(run, "evil.mjs"), join(run, "data.mjs"));
    await writeFile(join(run, "config.toml"), config(`file = "${join(run, "data.mjs")}"`));
    const { code, stdout } = await callCommand("resume", run, "--trust", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout).error).toMatchObject({ code: "store/link", where: join(run, "data.mjs") });
  });

  it("loads no address as code", async () => {
    for (const address of ["data:text/javascript,export default 1", "https://example.org/m.mjs", "node:fs"]) {
      for (const data of [`file = "${address}"`, `dataset = "module:${address}"`]) {
        const run = await strange("addressed", config(data));
        const { code, stdout } = await callCommand("resume", run, "--trust", "--json");
        expect([2, 3], stdout).toContain(code);
        expect(JSON.parse(stdout).error.code).toMatch(/^(local|data)\/not-found$/);
        await rm(run, { recursive: true });
      }
    }
  });

  it("reads no file of the user's that was not used before", async () => {
    await writeFile(at("secret.csv"), "a,label\n1,x\n2,y\n");
    const error = await refused(
      "resume",
      await strange("reader", config(`dataset = "csv:${at("secret.csv")}?test=own.toml"`)),
    );
    expect(error).toMatchObject({
      message: "this configuration refers to files that you have not used before",
      received: `data.dataset: ${at("secret.csv")}`,
    });
    const weights = `[model]\nname = "logistic"\ninitialWeights = "${at("secret.csv")}"`;
    const { received } = await refused("resume", await strange("weights", config("", weights)));
    expect(received).toBe(`model.initialWeights: ${at("secret.csv")}`);
  });

  it("is resumed with --trust, and from then on without", async () => {
    const run = at("trusted");
    await cp(own, run, { recursive: true });
    await rm(at(".cache"), { recursive: true });
    await refused("resume", run);
    const trusting = await command(folder, "resume", run, "--trust", "--json", "--workers", "1");
    expect(trusting.code, trusting.stdout).toBe(0);
    expect((await command(folder, "resume", run, "--json", "--workers", "1")).code).toBe(0);
  });

  it("is exported without executing anything", async () => {
    const run = await strange("exported");
    await writeFile(join(run, "config.toml"), await readFile(join(own, "config.toml"), "utf8"));
    for (const format of ["onnx", "safetensors"]) {
      const file = at(`exported.${format}`);
      const { code, stderr } = await callCommand("export", run, `--${format}`, "-o", file);
      expect(code, stderr).toBe(0);
      expect((await readFile(file)).length).toBeGreaterThan(0);
    }
    expect(await readFile(at("exported.onnx"))).toEqual(await readFile(join(own, "model.onnx")));
    await rm(join(run, "model.safetensors"));
    const { code, stdout } = await callCommand("export", run, "--onnx", "--json");
    expect([JSON.parse(stdout).error.code, code]).toEqual(["local/own-model", 2]);
    expect(existsSync(mark())).toBe(false);
  });
});

describe("a sweep", () => {
  const sweep = async (name: string, text: string) => {
    await writeFile(at(name), text);
    return at(name);
  };

  it("executes no code that its base, its grid or its variants name", async () => {
    await strange("base");
    await writeFile(at("new.mjs"), await readFile(at("data.mjs")));
    await writeFile(at("plain.toml"), config(""));
    const texts = [
      'base = "base/config.toml"',
      'base = "plain.toml"\n[grid]\n"data.dataset" = ["fashion-mnist-10k", "module:new.mjs"]',
      'base = "plain.toml"\n[set]\ndata.file = "new.mjs"',
      'base = "plain.toml"\n[[variants]]\nname = "a"\nset = { algorithm.file = "new.mjs" }',
      'base = "plain.toml"\n[tune]\n[tune.grid]\n"model.file" = ["new.mjs"]',
    ];
    for (const text of texts) await refused("sweep", await sweep("sweep.toml", text));
    await refused("sweep", await sweep("sweep.toml", texts[0]!), "--plan");
  });

  it("runs code that the user has run before", async () => {
    const file = await sweep("mine.toml", 'base = "own.toml"\nseeds = [1, 2]');
    const { code, stdout } = await command(folder, "sweep", file, "--trust", "--json", "--workers", "1");
    expect(code, stdout).toBe(0);
    expect((await readdir(at("runs"))).length).toBeGreaterThan(1);
    expect((await command(folder, "sweep", file, "--json", "--workers", "1")).code).toBe(0);
  });
});
