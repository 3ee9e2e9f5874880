import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { encode } from "fast-png";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { IMAGES } from "../packages/core/src/data/readers/testing/parquet-samples.ts";
import { parseConfig } from "../packages/core/src/index.ts";
import { fileKinds, parseDatasetPath } from "../packages/node/src/data/dataset-name.ts";
import { loadConfigured, prepareConfigured } from "../packages/node/src/run/configured.ts";
import { readText } from "./source-files.ts";

const text = readText("docs/own-data.md");
const blocks = (language: string) =>
  Array.from(text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms")), ([, block]) => block!);
let folder: string;

async function put(path: string, contents: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), contents);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-own-data-"));
  const rows = <T>(count: number, row: (i: number) => T) => Array.from({ length: count }, (_, i) => row(i));
  const patients = rows(
    40,
    (i) => `${i === 9 ? "" : 20 + i},${i % 3 ? "oak" : "elm"},h${i % 2},${i % 5 < 2 ? "yes" : "no"}`,
  );
  await put("patients.csv", ["age,kind,hospital,sick", ...patients].join("\n"));
  await put("prices.csv", ["size,price", ...rows(40, (i) => `${i},${1000 * i + (i % 3)}`)].join("\n"));
  for (const name of ["cat", "dog"]) {
    for (let i = 0; i < 10; i++) {
      const image = { width: 30 + i, height: 20, channels: 1, data: new Uint8Array((30 + i) * 20).fill(i) };
      await put(`pets/${name}/${i}.png`, encode(image));
    }
  }
  const user = { x: rows(20, (i) => new Array(784).fill(i / 20)), y: rows(20, (i) => i % 2) };
  const leaf = { users: ["w1", "w2"], num_samples: [20, 20], user_data: { w1: user, w2: user } };
  await put("femnist/all_data.json", JSON.stringify(leaf));
  const papers = rows(60, (i) => `p${i}\t${i % 7}\t${i % 3}\t${i % 2 ? "Theory" : "Practice"}\n`);
  await put("cora.content", papers.join(""));
  await put("cora.cites", rows(60, (i) => `p${i}\tp${(i + 1) % 60}\n`).join(""));
  await put("pets-hf/data/train-00000-of-00001.parquet", IMAGES);
  await put("pets-hf/data/test-00000-of-00001.parquet", IMAGES);
});

afterAll(() => rm(folder, { recursive: true }));

describe("docs/own-data.md", () => {
  it.each(blocks("toml").map((block) => [/dataset = "(.*?)"/.exec(block)![1]!, block]))(
    "has a configuration that works: %s",
    { timeout: 60_000 },
    async (_name, block) => {
      const config = parseConfig(block, "own.toml");
      const { data, own } = await loadConfigured(config, { baseDir: folder });
      const executor = { name: "onnxruntime-node", version: "1", fingerprint: "", float: "float32" } as const;
      const { plan } = prepareConfigured(config, data, executor, 1, "abc234", own);
      expect(plan.population).toBeGreaterThanOrEqual(2);
      expect(plan.stages.privacy !== undefined).toBe(config.privacy.mechanism !== "none");
    },
  );

  it("names every kind of files with its options, and a command that is understood", () => {
    for (const [kind, options] of Object.entries(fileKinds)) {
      const row = text.split("\n").find((line) => line.startsWith(`| \`${kind}\``))!;
      const named = kind === "parquet" ? [...row.matchAll(/`(channels|size)`/g)].length === 2 : undefined;
      expect(named ?? options.every((option) => row.includes(`\`${option}\``)), kind).toBe(true);
    }
    const data = /--data "(.*?)"/.exec(blocks("bash").join())![1]!;
    expect(parseDatasetPath(data)).toMatchObject({ kind: "csv", options: { label: "sick" } });
  });
});
