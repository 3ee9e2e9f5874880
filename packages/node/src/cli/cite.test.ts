import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renderToml, resolveConfig } from "@anabranch/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readBibtex } from "../docs/testing/read-bibtex.ts";
import { callCommand } from "./testing/call-command.ts";

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-cite-"));
  file = join(folder, "federation.toml");
  await writeFile(file, '[algorithm]\nname = "scaffold"\n[model]\nname = "lenet5"\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function answer(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await callCommand("cite", ...args);
  expect(code, stderr).toBe(0);
  return stdout;
}

describe("cite", () => {
  it("prints the papers of a configuration, each below the keys it belongs to", async () => {
    const entries = readBibtex(await answer(file));
    expect(entries.map(({ key, comments }) => [key, comments])).toEqual([
      ["karimireddy2020scaffold", ['algorithm.name = "scaffold"']],
      ["xiao2017fashion", ['data.dataset = "fashion-mnist-10k"']],
      ["hsu2019measuring", ['data.partition.recipe = "equal-size"']],
      ["acar2021federated", ['model.name = "lenet5"']],
    ]);
    expect(entries[0]!.fields["title"]).toBe("{SCAFFOLD}: Stochastic Controlled Averaging for Federated Learning");
  });

  it("prints the same as JSON", async () => {
    const papers = JSON.parse(await answer(file, "--json"));
    expect(papers).toHaveLength(4);
    expect(papers[0]).toMatchObject({
      key: "karimireddy2020scaffold",
      type: "inproceedings",
      arxiv: "1910.06378",
      doi: null,
      usedBy: [{ key: "algorithm.name", value: "scaffold", note: null }],
    });
    const bibtex = papers.map((paper: { bibtex: string }) => paper.bibtex).join("\n");
    expect(readBibtex(bibtex).map(({ key }) => key)).toEqual(papers.map((paper: { key: string }) => paper.key));
  });

  it("takes the name of a method, with what each of its papers is for", async () => {
    const entries = readBibtex(await answer("fedsam"));
    expect(entries.map(({ comments }) => comments)).toEqual([
      ['algorithm.name = "fedsam"'],
      ['algorithm.name = "fedsam" (adaptive form)'],
    ]);
  });

  it("takes a run", async () => {
    const run = join(folder, "runs", "2026-one-abc234");
    await mkdir(run, { recursive: true });
    await writeFile(join(run, "config.toml"), renderToml(resolveConfig({ algorithm: { name: "fedcm" } })));
    const keys = (text: string) => readBibtex(text).map(({ key }) => key);
    expect(keys(await answer(run))[0]).toBe("xu2021fedcm");
    expect(keys(await answer("last", "--runs", join(folder, "runs")))[0]).toBe("xu2021fedcm");
  });

  it("knows a system that is an option by the name in its paper", async () => {
    const none = ["--runs", join(folder, "none")];
    const shards = await answer("MoS", ...none);
    expect(shards).toMatch(/^% adapters\.shards \(MoS\)\n/);
    expect(readBibtex(shards).map(({ key }) => key)).toEqual(["wang2025mos"]);
    const pipe = await answer("fedpipe", ...none);
    expect(pipe).toContain('% adapters.controller = "fedpipe" (FedPipe)\n');
    expect(pipe).toContain("% adapters.select (FedPipe)\n");
  });

  it("says what only the operator can cite", async () => {
    const own = join(folder, "own.toml");
    await writeFile(own, '[data]\nfile = "d.ts"\n');
    const { code, stderr } = await callCommand("cite", own);
    expect(code).toBe(0);
    expect(stderr).toContain("No paper is known for data.file");
    expect((await callCommand("cite", own, "--quiet")).stderr).toBe("");
  });

  it.each([
    ["scafold", 2, 'algorithm/unknown.*Did you mean "scaffold"'],
    ["nothing-like-this", 4, "run/not-found"],
    ["missing.toml", 2, "config/not-found"],
  ])("refuses %s with exit status %i", async (source, status, text) => {
    const { code, stderr } = await callCommand("cite", source, "--runs", join(folder, "none"));
    expect(code).toBe(status);
    expect(stderr).toMatch(new RegExp(text, "s"));
  });

  it("refuses a configuration with an unknown method", async () => {
    const wrong = join(folder, "wrong.toml");
    await writeFile(wrong, '[algorithm]\nname = "fedprx"\n');
    const { code, stderr } = await callCommand("cite", wrong);
    expect(code).toBe(2);
    expect(stderr).toMatch(/algorithm\/unknown.*Did you mean "fedprox"/s);
  });
});
