import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunEvent, resolveConfig } from "@anabranch/core";
import { startRun } from "@anabranch/node";
import { type BenchOptions, type BenchResult, count, median } from "./lib/result.ts";

/**
 * A run of SCAFFOLD over a large computed population with client states and checkpoints on the disk, through the same
 * session as `anabranch run`: seconds for a round, peak memory of the process with all its threads, bytes on the disk.
 * `--clients` (default 1,000,000), `--cohort` (1,000), `--rounds` (10), `--workers` (2), `--hidden` (200: the MLP
 * 784-200-10), `--folder` (default: the system's temporary folder).
 */
export async function run(options: BenchOptions): Promise<BenchResult> {
  const clients = count(options, "clients", 1_000_000);
  const cohort = count(options, "cohort", 1000);
  const rounds = count(options, "rounds", 10);
  const workers = count(options, "workers", 2);
  const config = resolveConfig({
    name: "population",
    rounds,
    data: { dataset: "synthetic", clients, synthetic: { classesPerClient: 3 } },
    model: { name: "mlp", hidden: [count(options, "hidden", 200)] },
    algorithm: { name: "scaffold" },
    training: { localEpochs: 1, batchSize: 10, learningRate: 0.1 },
    sampler: { cohort },
  });
  const runs = await mkdtemp(join(options.folder ?? tmpdir(), "anabranch-bench-"));
  try {
    const events: RunEvent[] = [];
    const begun = performance.now();
    const before = process.cpuUsage();
    const { folder, result } = await startRun(config, { runs, workers, onEvent: (event) => events.push(event) });
    const seconds = (performance.now() - begun) / 1e3;
    const used = process.cpuUsage(before);
    const finished = events.filter((event) => event.type === "round.finished");
    const saved = events.filter((event) => event.type === "checkpoint.saved");
    const whole = saved.map((event, i) => (Date.parse(event.at) - Date.parse(started(events, i + 1))) / 1e3);
    const files = await sizes(folder);
    const peak = await peakMegabytes();
    const values = {
      "s per round": median(whole),
      "of it training": median(finished.map((event) => event.seconds)),
      "clients/s": cohort / median(whole),
      "cpu s per round": (used.user + used.system) / 1e6 / rounds,
      "s in all": seconds,
      "peak MB": peak,
      "disk MB": files.bytes / 1e6,
      files: files.count,
    };
    return {
      name: `population: ${clients} clients, cohort ${cohort}, ${rounds} rounds of SCAFFOLD`,
      rows: [{ label: `${workers} workers`, values }],
      checks: [{ name: "peak memory of the process, MB", value: peak, target: 1000, better: "smaller" }],
      notes: [
        `test accuracy ${result.history.at(-1)?.testAccuracy?.toFixed(3)}, model hash ${result.modelHash}`,
        "a round here lasts from its start until its states and checkpoint are safe on the disk",
      ],
    };
  } finally {
    await rm(runs, { recursive: true, force: true });
  }
}

function started(events: readonly RunEvent[], round: number): string {
  return events.find((event) => event.type === "round.started" && event.round === round)!.at;
}

/** The largest resident memory that the process ever had, its threads and shared buffers included. */
async function peakMegabytes(): Promise<number> {
  if (process.platform === "linux") {
    const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(await readFile("/proc/self/status", "utf8")) ?? [];
    if (kilobytes !== undefined) return (Number(kilobytes) * 1024) / 1e6;
  }
  return (process.resourceUsage().maxRSS * 1024) / 1e6;
}

async function sizes(folder: string): Promise<{ bytes: number; count: number }> {
  let [bytes, files] = [0, 0];
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    bytes += (await stat(join(entry.parentPath, entry.name))).size;
    files++;
  }
  return { bytes, count: files };
}
