import { spawnSync } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callCommand } from "./testing/call-command.ts";
import { command } from "./testing/spawn-command.ts";

/** Folders of runs that cannot be written, or not even read: those of another user, or of this one where the test is not root. */
const bin = fileURLToPath(new URL("../../bin/anabranch.mjs", import.meta.url));
const isRoot = process.getuid?.() === 0;
const nobody = isRoot ? { uid: 65_534, gid: 65_534 } : {};

let base: string;
let runs: string;
let run: string;
let here: string;
/** False for a checkout in a home that others may not enter. */
let startsAsOther: boolean;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "anabranch-foreign-"));
  await chmod(base, 0o755);
  runs = join(base, "runs");
  here = join(base, "here");
  await mkdir(here);
  if (isRoot) await chown(here, nobody.uid!, nobody.gid!);
  const config = `name = "tiny"
rounds = 1
data = { dataset = "synthetic", clients = 3 }
model = { name = "logistic" }
sampler = { cohort = 2 }
`;
  await writeFile(join(base, "tiny.toml"), config);
  const { code, stdout, stderr } = await command(base, "run", "tiny.toml", "--quiet", "--workers", "0");
  expect(code, stderr).toBe(0);
  run = stdout.trim();
  await mode(base, false);
  startsAsOther = asOther("--version").status === 0;
}, 120_000);
afterAll(async () => {
  await mode(base, true);
  await rm(base, { recursive: true, force: true });
});

/** Takes from all below a folder the right to write, or gives it back. */
async function mode(folder: string, writable: boolean): Promise<void> {
  await chmod(folder, writable ? 0o755 : 0o555);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (path === here) continue;
    if (entry.isDirectory()) await mode(path, writable);
    else await chmod(path, writable ? 0o644 : 0o444);
  }
}

/** The command as another user where the test is root, who may write everywhere. */
function asOther(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    ...{ cwd: here, encoding: "utf8", ...nobody },
    env: { PATH: process.env["PATH"], HOME: here, NO_COLOR: "1" },
  });
  return { status, stdout, stderr };
}

const files = async () => (await readdir(base, { recursive: true })).filter((name) => !name.startsWith("here"));

describe.skipIf(process.platform === "win32")("a folder of runs that cannot be written", { timeout: 300_000 }, () => {
  it("is listed, shown, compared and exported, and left as it is", async (context) => {
    if (!startsAsOther) context.skip("another user cannot start the command from here");
    const before = await files();
    const list = asOther("list", "--json", "--runs", runs);
    expect(JSON.parse(list.stdout), list.stderr).toMatchObject({ runs: [{ name: "tiny", status: "finished" }] });
    expect(asOther("show", "tiny", "--runs", runs).stdout).toContain("1 of 1");
    expect(asOther("show", run).stdout).toContain("1 of 1");
    const compared = asOther("compare", "tiny", "--json", "--runs", runs);
    const name = `compare-${run.split("-").at(-1)}`;
    expect(JSON.parse(compared.stdout), compared.stderr).toMatchObject({ folder: join(here, name) });
    expect(compared.stderr).toContain(`so the report is in ${join(here, name)}`);
    expect(await readFile(join(here, name, "report.html"), "utf8")).toContain("Comparison of 1 run");
    const exported = asOther("export", "tiny", "--safetensors", "--runs", runs);
    expect(exported.stderr).toMatch(/Wrote .*tiny-[a-z0-9]{6}\.safetensors/);
    expect(await files()).toEqual(before);
  });

  it("is not written, and each way to try says why", async (context) => {
    if (!startsAsOther) context.skip("another user cannot start the command from here");
    const before = await files();
    const refused = (...args: readonly string[]) => JSON.parse(asOther(...args, "--json").stdout).error;
    expect(refused("resume", "tiny", "--runs", runs)).toMatchObject({ code: "store/not-writable" });
    expect(refused("run", join(base, "tiny.toml"), "--runs", runs, "--workers", "0")).toMatchObject({
      code: "store/not-writable",
      message: "the folder of the run cannot be written",
    });
    expect(refused("compare", "tiny", "--runs", runs, "-o", join(runs, "new"))).toMatchObject({
      code: "store/not-writable",
    });
    expect(refused("export", "tiny", "--runs", runs, "-o", join(runs, "x.onnx"))).toMatchObject({
      code: "store/not-writable",
    });
    expect(await files()).toEqual(before);
  });

  it("and that cannot be read says so, and one such run among others is listed as such", async (context) => {
    if (!startsAsOther) context.skip("another user cannot start the command from here");
    await chmod(runs, 0o755);
    await chmod(run, 0);
    try {
      expect(JSON.parse(asOther("list", "--json", "--runs", runs).stdout)).toMatchObject({
        runs: [{ id: run.split("-").at(-1), status: "unreadable" }],
      });
      for (const word of ["show", "resume", "compare"]) {
        const { error } = JSON.parse(asOther(word, run, "--json", "--runs", runs).stdout);
        expect(error).toMatchObject({ code: "store/not-readable" });
      }
      await chmod(run, 0o555);
      await chmod(runs, 0);
      for (const words of [["list"], ["show", "last"], ["export", "last", "--onnx"]]) {
        const { error } = JSON.parse(asOther(...words, "--json", "--runs", runs).stdout);
        expect(error).toMatchObject({ code: "store/not-readable" });
      }
    } finally {
      await chmod(runs, 0o555);
      await chmod(run, 0o555);
    }
  });
});

describe("a file in place of the folder of runs", () => {
  it("is named by every command", async () => {
    const file = join(base, "tiny.toml");
    for (const words of [
      ["list"],
      ["show", "last"],
      ["export", "last", "--onnx"],
      ["resume", "last"],
      ["compare", "x"],
      ["run", file],
    ]) {
      for (const place of [file, join(file, "below")]) {
        const { stdout, code } = await callCommand(...words, "--json", "--runs", place);
        expect(JSON.parse(stdout.trim().split("\n").at(-1)!), words.join(" ")).toMatchObject({
          error: { code: "store/not-a-folder" },
        });
        expect(code).toBe(1);
      }
    }
  });

  it("is named by the dashboard before it opens", async () => {
    const { stderr } = await callCommand("dashboard", join(base, "tiny.toml"), "--port", "0");
    expect(stderr).toContain("error store/not-a-folder");
    expect(stderr).toContain("anabranch dashboard FOLDER");
    expect(stderr).not.toContain("--runs");
  });
});
