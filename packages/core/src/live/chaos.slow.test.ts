import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ASYNCHRONOUS_RUNS, PLAIN_RUNS, SECURE_RUNS } from "../conformance/chaos-runs.ts";
import { type ChaosRun, runChaosSeed } from "../conformance/chaos-seed.ts";
import { type FaultName, HEALTHY } from "../conformance/fault-source.ts";
import { SimulatedFederation } from "../conformance/simulated-federation.ts";
import { crashServerAt, secureRun, simulateSmall } from "../conformance/small-live-run.ts";

/** Seeds of each run, from which on, and the seconds after which a run tries no more of them. */
const SEEDS = Number(process.env["CHAOS_SEEDS"] ?? 250);
const FIRST = Number(process.env["CHAOS_FIRST"] ?? 1);
const SECONDS = Number(process.env["CHAOS_SECONDS"] ?? 3600);

/** Fewer seeds need not have every fault. */
const ENOUGH_SEEDS = 50;

describe("a live run over a network that fails, of processes that crash", { timeout: 1000 * SECONDS + 60_000 }, () => {
  const faults = new Map<FaultName, number>();

  for (const [name, make] of Object.entries({ ...PLAIN_RUNS, ...ASYNCHRONOUS_RUNS, ...SECURE_RUNS })) {
    it(`ends with the model of its updates: ${name}`, async () => {
      const run = { name, ...make() };
      const until = performance.now() + 1000 * SECONDS;
      for (let seed = FIRST; seed < FIRST + SEEDS && performance.now() < until; seed++) {
        const report = await runChaosSeed(run, seed);
        if (report.violations.length > 0) expect.fail(await describeSeed(run, seed, report.violations));
        for (const [fault, count] of Object.entries(report.faults) as [FaultName, number][])
          faults.set(fault, (faults.get(fault) ?? 0) + count);
      }
    });
  }

  it.runIf(SEEDS >= ENOUGH_SEEDS)("has met every kind of fault", () => {
    const kinds = Object.keys(HEALTHY).filter((kind) => kind !== "delay");
    expect([...faults.keys()].sort()).toEqual(kinds.sort());
  });
});

/** What is wrong, how to see it again, and the file that says what happened. */
async function describeSeed(run: ChaosRun, seed: number, violations: readonly string[]): Promise<string> {
  const file = join(mkdtempSync(join(tmpdir(), "anabranch-chaos-")), `seed-${seed}.log`);
  const lines: string[] = [];
  await runChaosSeed(run, seed, (line) => void lines.push(line));
  writeFileSync(file, `${lines.join("\n")}\n`);
  const command = `CHAOS_FIRST=${seed} CHAOS_SEEDS=1 npm run test:slow -- live/chaos -t "${run.name}"`;
  return [`seed ${seed}:`, ...violations, `Again: ${command}`, `What happened: ${file}`].join("\n");
}

describe("a live run with secure aggregation", () => {
  const protocols = ["bonawitz", "secagg+", "lightsecagg"] as const;
  const moments = protocols.flatMap((protocol) =>
    ["advertise", "share", "mask", "consistency"].map((stage) => ({ protocol, stage })),
  );
  it.each(moments)("repeats a round whose server dies: $protocol, $stage", async ({ protocol, stage }) => {
    const { config, prepared, live } = secureRun(protocol, { rounds: 1 });
    const federation = new SimulatedFederation(config, live, 1, HEALTHY);
    crashServerAt(federation, stage);
    const { modelHash } = await federation.run();
    expect(federation.crashes.server).toBe(1);
    expect(modelHash).toBe((await simulateSmall(prepared)).modelHash);
  });
});
