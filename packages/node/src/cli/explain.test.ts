import { createHash } from "node:crypto";
import type { Dirent } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callCommand } from "./testing/call-command.ts";

const toml = (method: string, model: string) => `
name = "${method}"
rounds = 2
[data]
dataset = "synthetic"
clients = 4
synthetic = { shape = [1, 8, 8], classes = 3, examples = 6, testExamples = 10 }
[model]
name = ${model}
[algorithm]
name = "${method}"
[training]
localSteps = 2
batchSize = 3
learningRate = 0.1
[sampler]
cohort = 4
[execution]
workers = 1
`;

interface Answer {
  readonly source: string;
  readonly round: number;
  readonly meanOverlap: number | null;
  readonly images: readonly { label: number; personal: number | null; overlap: number | null }[];
}

let folder: string;
const runs = () => join(folder, "runs");
const page = (name: string) => join(folder, name);
const explain = (...args: readonly string[]) => callCommand("explain", ...args, "--runs", runs());

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-explain-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Trains two rounds with a method; the run has its name. */
async function train(method: string, model = '"cnn-28x28"\nhidden = 4'): Promise<void> {
  const file = page(`${method}.toml`);
  await writeFile(file, toml(method, model));
  const { code, stderr } = await callCommand("run", file, "--quiet", "--runs", runs());
  expect(code, stderr).toBe(0);
}

/** The index of all runs is renewed whenever one is looked for. */
const isOfRun = (file: Dirent) => file.isFile() && !file.name.startsWith("index.sqlite");

/** All files of runs with their hashes. */
async function contents(root: string): Promise<Record<string, string>> {
  const files = await readdir(root, { recursive: true, withFileTypes: true });
  const each = files.flatMap((file) => (isOfRun(file) ? [join(file.parentPath, file.name)] : []));
  const hashes = each.map(async (path) => [
    path,
    createHash("sha256")
      .update(await readFile(path))
      .digest("hex"),
  ]);
  return Object.fromEntries(await Promise.all(hashes));
}

describe("anabranch explain", () => {
  it.each(["fedper", "ditto", "fedcac", "ifca"])("shows the global model and that of a client: %s", async (name) => {
    await train(name);
    const before = await contents(runs());
    const { code, stdout, stderr } = await explain(
      name,
      "--client",
      "1",
      "--images",
      "5",
      "-o",
      page("a.html"),
      "-f",
      "--json",
    );
    expect(code, stderr).toBe(0);
    expect(await contents(runs())).toEqual(before);
    const { source, round, images } = JSON.parse(stdout) as Answer;
    expect({ source, round, images: images.length }).toEqual({ source: "test set", round: 2, images: 5 });
    expect(images.slice(0, 3).map(({ label }) => label)).toEqual([0, 1, 2]);
    for (const { personal, overlap } of images) {
      expect(personal).not.toBeNull();
      if (overlap !== null) expect(overlap >= 0 && overlap <= 1 + 1e-9).toBe(true);
    }
    const html = await readFile(page("a.html"), "utf8");
    expect(html).toContain("Anabranch report</title>");
    expect(html).toContain("Anabranch explain · run ");
    expect(html).not.toMatch(/(src|href)=/);
    expect(html.match(/class="heat"/g)).toHaveLength(10);
  });

  it("shows the global model alone where clients have no other, and refuses to overwrite", async () => {
    await train("fedavg");
    const { code, stdout } = await explain("fedavg", "-o", page("b.html"));
    expect(code).toBe(0);
    expect(stdout).toMatch(/Model cnn-28x28 after round 2, on 8 images of synthetic from the test set/);
    const html = await readFile(page("b.html"), "utf8");
    expect(html.match(/class="heat"/g)).toHaveLength(8);
    expect(html).not.toContain("Mean overlap");
    expect((await explain("fedavg", "-o", page("b.html"))).stderr).toContain("usage/file-exists");
  });

  it("refuses clients that are not there, and models without convolutions", async () => {
    await train("fedprox", '"mlp"');
    expect((await explain("fedprox", "--client", "4", "-o", page("c.html"))).stderr).toContain("explain/client");
    expect((await explain("fedprox", "-o", page("c.html"))).stderr).toContain("explain/model");
  });
});
