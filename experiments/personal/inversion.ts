/**
 * What gradient inversion finds under each defence, in the worst case of one step on one example, and what each defence
 * costs in accuracy (of the MLP). Three seeds, which change the attacked client, its example, the model and the search.
 * `node experiments/personal/inversion.ts FOLDER` keeps pages with pictures in a folder and prints means over the seeds.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const folder = process.argv[2] ?? "inversion";
const SEEDS = [1, 2, 3];
const DEFENCES = ["plain", "compressed", "private", "secure"];
const mlp = ["model.name=mlp", "model.hidden=[64]"];
const targets = [
  { model: "CNN of the quickstart", set: [], attacks: ["ig"] },
  { model: "MLP 784-64-10", set: mlp, attacks: ["fc", "ig"] },
  { model: "MLP with sigmoid", set: [...mlp, "model.activation=sigmoid"], attacks: ["idlg"] },
];
/** What `--defences` adds to a configuration that has none. */
const settings: Readonly<Record<string, readonly string[]>> = {
  plain: [],
  compressed: ['compression.up=["top-k density=0.01"]'],
  private: ["privacy.mechanism=gaussian", "privacy.clipNorm=1", "privacy.noiseMultiplier=1", "sampler.name=poisson"],
  secure: ["secureAggregation.protocol=bonawitz"],
};

interface Row {
  readonly defence: string;
  readonly protocol: string;
  readonly observer: string;
  readonly meanPsnr: number | null;
  readonly found: number | null;
}

function anabranch(command: string, args: readonly string[], set: readonly string[]): string {
  const main = join(root, "packages/node/src/cli/main.ts");
  const options = set.flatMap((one) => ["--set", one]);
  const given = [main, command, join(root, "examples/quickstart.toml"), ...args, "--json", ...options];
  return execFileSync(process.execPath, given, {
    encoding: "utf8",
    maxBuffer: 1 << 28,
    stdio: ["ignore", "pipe", "ignore"],
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function spread(values: readonly number[]): string {
  const middle = mean(values);
  const deviation = Math.sqrt(
    mean(values.map((value) => (value - middle) ** 2)) * (values.length / (values.length - 1)),
  );
  return `${middle.toFixed(1)} ± ${deviation.toFixed(1)}`;
}

mkdirSync(folder, { recursive: true });
for (const { model, set, attacks } of targets) {
  for (const attack of attacks) {
    const rows = SEEDS.flatMap((seed) => {
      const page = join(folder, `${model} ${attack} ${seed}.html`.replaceAll(" ", "-"));
      const args = ["--defences", "--attack", attack, "--seed", String(seed), "--force", "--output", page];
      const document = JSON.parse(anabranch("audit", args, [...set, `seed=${seed}`])) as { rows: Row[] };
      return document.rows.filter(({ protocol }) => protocol !== "as configured");
    });
    const seen = [...new Set(rows.map(({ defence, observer }) => `${defence}, ${observer}`))];
    for (const name of seen) {
      const found = rows.filter(({ defence, observer }) => `${defence}, ${observer}` === name);
      const decibels = found.flatMap(({ meanPsnr }) => meanPsnr ?? []);
      const share = found.flatMap((row) => row.found ?? []);
      console.log(`${model} | ${attack} | ${name} | ${spread(decibels)} dB | found ${mean(share).toFixed(2)}`);
    }
  }
}
for (const defence of DEFENCES) {
  const accuracies = SEEDS.map((seed) => {
    const set = [...mlp, ...settings[defence]!, `seed=${seed}`];
    const events = anabranch("run", ["--runs", join(folder, "runs")], set)
      .trim()
      .split("\n");
    const answer = JSON.parse(events.at(-1)!) as { accuracy: number };
    return 100 * answer.accuracy;
  });
  console.log(`accuracy of the MLP | ${defence} | ${spread(accuracies)} %`);
}
