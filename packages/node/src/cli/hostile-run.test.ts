import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jsonText, printable } from "@anabranch/core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { syntheticRun } from "../report/synthetic-run.ts";
import { hostileText, hostileTexts } from "../report/testing/hostile-texts.ts";
import { tableCells } from "../report/testing/markup.ts";
import { writeRun } from "../report/testing/write-run.ts";
import { callCommand } from "./testing/call-command.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-stranger-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A stranger's run, all of whose texts are `text`, with the configuration it may have been started with. */
function strange(root: string, text: string): string {
  const texts = syntheticRun({ rounds: 2, clients: 10 });
  const json = jsonText(text);
  const fields = /"(name|algorithm|model|dataset|run|version|fingerprint|code|message|modelHash)":"[^"]*"/g;
  const stopped = {
    v: 1,
    type: "run.stopped",
    at: "2026-01-02T00:00:01.000Z",
    round: 2,
    reason: "error",
    message: text,
  };
  const events = `${texts.events.replace(fields, (_all, key) => `"${key}":${json}`)}${JSON.stringify(stopped)}\n`;
  const toml = JSON.stringify(text.toWellFormed()).replace(
    /[\u007f-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  const value = /\\ud[89a-f]/i.test(toml) ? '"x"' : toml;
  const config = `name = ${value}\n[data]\ndataset = ${value}\n[data.partition]\nscheme = "iid"\n[model]\nfile = ${value}\n`;
  return writeRun(join(root, "20260102-000001-x-aaaaaa"), { ...texts, events, config });
}

/** What is printed must steer no terminal: lines and nothing else. */
async function call(...args: string[]) {
  const result = await callCommand(...args);
  for (const stream of [result.stdout, result.stderr]) {
    expect(printable(stream, "\n")).toBe(stream);
    expect(stream).not.toContain("internal");
  }
  return result;
}

const commands = (root: string): string[][] => [
  ["list"],
  ["show", "last"],
  ["export", "last", "--onnx", "-o", join(root, "x.onnx")],
  ["resume", "last", "--workers", "0"],
  ["cite", "last"],
];

describe("a stranger's run folder", () => {
  it.each(
    hostileTexts.map((text, i) => [i, text] as const),
  )("steers no terminal with its texts (%i)", async (i, text) => {
    const root = join(folder, `runs-${i}`);
    strange(root, text);
    for (const args of commands(root)) {
      for (const json of [[], ["--json"]]) {
        const { code, stdout } = await call(...args, "--runs", root, ...json);
        expect(code).toBeLessThan(5);
        if (json.length > 0) for (const line of args[0] === "resume" ? [] : [stdout]) JSON.parse(line);
      }
    }
  });

  it("is compared, and its exact name given as JSON", async () => {
    const root = join(folder, "exact");
    strange(root, hostileText);
    for (const json of [[], ["--json"]]) {
      await call("compare", "last", "last", "-o", join(root, "report"), "--runs", root, ...json);
    }
    const { runs } = JSON.parse((await call("list", "--runs", root, "--json")).stdout);
    expect(runs[0].name).toBe(hostileText.toWellFormed());
  });

  it("keeps one line for each run, whatever its name", async () => {
    const root = join(folder, "lines");
    strange(root, "a\nb\u2028c\rd");
    const { stdout } = await call("list", "--runs", root);
    expect(stdout.trimEnd().split("\n")).toHaveLength(2);
  });
});

describe("errors", () => {
  it("show what came from outside, and stay readable", async () => {
    const text = fc.oneof(fc.string({ unit: "binary", minLength: 1 }), fc.constantFrom(...hostileTexts));
    const property = fc.asyncProperty(text, async (hostile) => {
      const name = hostile.replaceAll("\0", "").replace(/^-+/, "") || "x";
      await call("show", name, "--runs", join(folder, "none"));
      await call("methods", name);
      await call(name);
      await call("run", name);
      await call("list", `--${name}`);
      await call("run", join(folder, "base.toml"), "--set", `${name}=1`);
    });
    await writeFile(join(folder, "base.toml"), "rounds = 1\n");
    await fc.assert(property, { numRuns: 25, seed: 1 });
  });

  it("of a configuration show its keys, values and lines", async () => {
    const file = join(folder, "wrong.toml");
    const esc = "\\u001b]52;c;ZXZpbA==\\u0007\\u202e\\n";
    for (const text of [
      `"a${esc}" = 1`,
      `[model]\nname = "a${esc}"`,
      `name = "x\u009b31m\u202e`,
      `[training]\n"learningRat${esc}" = 1`,
      `[data]\ndataset = "module:a${esc}.ts"`,
      `[algorithm]\nfile = "a${esc}.ts"`,
    ]) {
      await writeFile(file, text);
      const { code, stderr } = await call("run", file);
      expect(code).toBeGreaterThan(1);
      expect(stderr).toMatch(/^error [a-z]+\/[a-z-]+: /);
      await call("run", file, "--json");
      await call("sweep", file);
    }
  });

  it("name files whose names have line breaks on one line", async () => {
    const name = join(folder, "a\nerror x: b\u001b[2J.toml");
    await writeFile(name, "rounds = true");
    const { stderr } = await call("run", name);
    expect(stderr.match(/^error /gm)).toHaveLength(1);
    expect(stderr).toContain("a␊error x: b␛[2J.toml");
  });

  it("of data show the headers and classes of a table", async () => {
    const header = "f\u001b]0;x\u0007\u202e,label\u009b1m";
    await mkdir(join(folder, "data"));
    const csv = join(folder, "data", "table.csv");
    await writeFile(csv, `${header}\n1,a\u001b[31m\n2,b\u202e\nx\u0007,c\n`);
    const config = join(folder, "csv.toml");
    for (const query of ["", "?label=none", `?label=label\u009b1m`, `?features=q`]) {
      await writeFile(
        config,
        `[data]\ndataset = ${JSON.stringify(`csv:${csv}${query}`)}\nclients = 2\n[model]\nname = "logistic"\n`,
      );
      const { code } = await call("run", config, "--workers", "0", "--runs", join(folder, "csv-runs"));
      expect(code).toBeGreaterThan(0);
    }
  });
});

describe("the table of a sweep", () => {
  it("keeps its rows and columns, and has no HTML, whatever its names are", async () => {
    const file = join(folder, "sweep.toml");
    const name = "v|<img src=x onerror=alert(1)>\\n| a | b |\\n`c`\\\\| [d](e)\\u202e";
    await writeFile(
      join(folder, "tiny.toml"),
      'rounds = 1\n[data]\nclients = 4\n[model]\nname = "logistic"\n[sampler]\ncohort = 2\n[training]\nlocalSteps = 1\n',
    );
    await writeFile(
      file,
      `name = "s"\nbase = "tiny.toml"\n[[variants]]\nname = "${name}"\n[[variants]]\nname = "plain"\nset = { training.learningRate = 0.01 }\n`,
    );
    const root = join(folder, "sweeps");
    const { code } = await call("sweep", file, "--runs", root, "--workers", "0");
    expect(code).toBe(0);
    const table = await readFile(join(root, "sweep-s", "table.md"), "utf8");
    expect(printable(table, "\n")).toBe(table);
    expect(table.replace(/\\[!-/:-@[-`{-~]/g, "")).not.toMatch(/<img|\]\(/);
    const rows = table.split("\n").filter((line) => line.startsWith("|"));
    expect(tableCells(rows)).toEqual([10, 10, 10, 10, 7, 7, 7, 7, 6, 6, 6, 6]);
  });
});
