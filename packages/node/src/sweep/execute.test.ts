import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConfig, type RunEvent } from "@anabranch/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkSweep } from "./check.ts";
import { executeSweep, type SweepOptions, type SweepResult } from "./execute.ts";
import type { Outcome } from "./execute-run.ts";
import { expandSweep, type Sweep } from "./expand.ts";
import { findRuns } from "./found-runs.ts";
import { projectSeconds } from "./measure.ts";
import { planSweep } from "./plan.ts";
import { parseSweepFile } from "./sweep-file.ts";

const base = `
rounds = 4
[data]
dataset = "synthetic"
clients = 6
synthetic = { shape = [8], testExamples = 50 }
[model]
name = "logistic"
[sampler]
cohort = 3
`;

let runs: string;
beforeEach(async () => {
  runs = await mkdtemp(join(tmpdir(), "anabranch-sweep-"));
});
afterEach(() => rm(runs, { recursive: true, force: true }));

const sweepOf = (text: string, configuration = base): Sweep =>
  expandSweep(
    parseSweepFile(`base = "base.toml"\n${text}`, "s.toml"),
    (set) => parseConfig(configuration, "base.toml", set),
    "s.toml",
  );

interface Carried {
  readonly result: SweepResult;
  readonly announced: readonly Outcome[];
  readonly events: readonly (RunEvent & { variant: string; seed: number })[];
}

async function execute(sweep: Sweep, options: Partial<SweepOptions> = {}): Promise<Carried> {
  const announced: Outcome[] = [];
  const events: Carried["events"][number][] = [];
  const result = await executeSweep(sweep, {
    runs,
    workers: 0,
    jobs: 1,
    found: (await findRuns(sweep, runs)).reusable,
    onOutcome: (outcome) => void announced.push(outcome),
    ...options,
    onEvent: (planned, event) => {
      events.push({ ...event, variant: planned.variant, seed: planned.seed });
      options.onEvent?.(planned, event);
    },
  });
  return { result, announced, events };
}

const started = ({ events }: Carried) => events.filter(({ type }) => type === "run.started");
const hashes = ({ result }: Carried) =>
  result.cases.flatMap(({ outcomes }) => outcomes.map(({ data }) => data?.finished?.modelHash));

const seeds = "seeds = [1, 2]";
const methods = '[[variants]]\nname = "fedavg"\n[[variants]]\nname = "scaffold"\nset = { algorithm.name = "scaffold" }';

describe("executeSweep", () => {
  it("runs the first seed of every variant before the second, and nothing twice", async () => {
    const first = await execute(sweepOf(`${seeds}\n${methods}`));
    expect(first.announced.map(({ planned, end }) => [planned.variant, planned.seed, end])).toEqual([
      ["fedavg", 1, "finished"],
      ["scaffold", 1, "finished"],
      ["fedavg", 2, "finished"],
      ["scaffold", 2, "finished"],
    ]);
    expect(first.result.interrupted).toBe(false);
    expect(new Set(hashes(first)).size).toBe(4);

    // a third variant comes later: only its runs are new
    const more = await execute(
      sweepOf(`${seeds}\n${methods}\n[[variants]]\nname = "steps"\nset.training.batchSize = 4`),
    );
    expect(started(more).map(({ variant, seed }) => [variant, seed])).toEqual([
      ["steps", 1],
      ["steps", 2],
    ]);
    expect(more.announced.map(({ source }) => source)).toEqual(["before", "before", "new", "before", "before", "new"]);
    expect(hashes(more).slice(0, 4)).toEqual(hashes(first));
  });

  it("carries out once what two variants share, and tells it of both", async () => {
    const progress: unknown[] = [];
    const { result } = await execute(sweepOf('[[variants]]\nname = "a"\n[[variants]]\nname = "b"'), {
      onOutcome: ({ planned, source }, { done, total, remainingSeconds }) =>
        void progress.push([planned.variant, source, done, total, done === total ? remainingSeconds : "some"]),
    });
    expect(progress).toEqual([
      ["a", "new", 1, 2, "some"],
      ["b", "before", 2, 2, 0],
    ]);
    expect(result.cases.map(({ outcomes }) => outcomes[0]!.planned.variant)).toEqual(["a", "b"]);
    expect((await readdir(runs)).filter((name) => name.startsWith("20"))).toHaveLength(1);
  });

  it("goes on after an interruption, with the same bits", async () => {
    const sweep = sweepOf(`${seeds}\n${methods}`);
    const controller = new AbortController();
    const stopped = await execute(sweep, {
      signal: controller.signal,
      onEvent: ({ variant }, event) => {
        if (variant === "scaffold" && event.type === "round.finished" && event.round === 2) controller.abort();
      },
    });
    expect(stopped.result.interrupted).toBe(true);
    expect(stopped.announced.map(({ end }) => end)).toEqual(["finished", "interrupted"]);

    const again = await execute(sweep);
    expect(started(again)).toMatchObject([
      { variant: "scaffold", seed: 1, resumedFrom: 2 },
      { variant: "fedavg", seed: 2 },
      { variant: "scaffold", seed: 2 },
    ]);
    expect(again.announced.map(({ source }) => source)).toEqual(["before", "resumed", "new", "new"]);
    expect((await readdir(runs)).filter((name) => name.startsWith("20"))).toHaveLength(4);

    const elsewhere = join(runs, "elsewhere");
    const whole = await execute(sweep, { runs: elsewhere, found: new Map() });
    expect(hashes(again)).toEqual(hashes(whole));
  });

  it("several runs at a time give the same bits", async () => {
    const sweep = sweepOf(`${seeds}\n${methods}`);
    const one = await execute(sweep);
    const three = await execute(sweep, { runs: join(runs, "three"), found: new Map(), jobs: 3 });
    expect(hashes(three)).toEqual(hashes(one));
    expect(three.announced).toHaveLength(4);
  });

  it("reports a run that diverges or fails, and goes on with the others", async () => {
    const sweep = sweepOf(`
      [[variants]]
      name = "strict"
      set = { training.learningRate = 1e30, stop.onClientFailure = "stop" }
      [[variants]]
      name = "lenient"
      set = { training.learningRate = 1e30 }
      [[variants]]
      name = "lost"
      set = { training.batchSize = 3 }
      [[variants]]
      name = "sound"`);
    const lost = sweep.cases[2]!.run(1, {}).identity;
    const { announced } = await execute(sweep, {
      found: new Map([[lost, { folder: join(runs, "nowhere"), complete: false }]]),
    });
    expect(announced).toMatchObject([
      { end: "diverged", failure: { round: 1, client: expect.any(Number), reason: expect.stringMatching(/diverged/) } },
      {
        end: "diverged",
        failure: {
          round: 3,
          client: null,
          reason: expect.stringMatching(/^Rounds 1 to 3: all clients failed .* not finite/),
        },
      },
      { end: "failed", failure: { round: null, reason: "this is not the folder of a run" } },
      { end: "finished", failure: undefined },
    ]);
    const again = await execute(sweep);
    expect(again.announced[1]).toMatchObject({ source: "before", end: "diverged" });
  });
});

describe("a tuning", () => {
  const tune = `
    [tune]
    rounds = 2
    metric = "accuracy"
    [tune.grid]
    "training.learningRate" = [1e30, 0.001, 0.05]`;

  it("gives every seed the best value; a diverged one loses", async () => {
    const { result, announced } = await execute(sweepOf(`${seeds}${tune}`));
    const [tuning] = result.tunings;
    expect(tuning!.scores[0]).toBeUndefined();
    const [, low, high] = tuning!.scores;
    const best = high! > low! ? 0.05 : 0.001;
    expect(tuning!.chosen).toEqual({ "training.learningRate": best });
    expect(announced.map(({ planned }) => planned.tuning)).toEqual([true, true, true, false, false]);
    expect(announced.slice(3).map(({ planned }) => planned.config.training.learningRate)).toEqual([best, best]);
    expect(announced.slice(3).map(({ planned }) => planned.config.rounds)).toEqual([4, 4]);
  });

  it("that every value loses leaves its variant out", async () => {
    const { result, announced } = await execute(
      sweepOf(`
      ${tune}
      [[variants]]
      name = "hopeless"
      tune = { training.learningRate = [1e29, 1e30, 1e31] }
      [[variants]]
      name = "sound"`),
    );
    expect(result.tunings.map(({ chosen }) => chosen === undefined)).toEqual([true, false]);
    expect(result.cases.map(({ outcomes }) => outcomes.length)).toEqual([0, 1]);
    const last = announced.filter(({ planned }) => !planned.tuning);
    expect(last).toMatchObject([
      { end: "failed", failure: { reason: expect.stringMatching(/every value of the tuning/) } },
      { end: "finished" },
    ]);
  });
});

describe("before the first run", () => {
  it("every configuration is prepared: what does not fit is told for all variants", async () => {
    const sweep = sweepOf(`
      [[variants]]
      name = "convolution"
      set = { model.name = "cnn-28x28" }
      [[variants]]
      name = "sound"
      [[variants]]
      name = "clipped"
      set = { algorithm.name = "scaffold", aggregation.clipNorm = 1 }`);
    await expect(checkSweep(sweep, undefined, "s.toml")).rejects.toMatchObject({
      code: "config/sweep",
      failure: {
        message: "the sweep has 2 problems",
        received: expect.stringMatching(
          /1\. variant "convolution"[\s\S]*\n2\. variant "clipped", aggregation\.clipNorm/,
        ),
      },
    });
    expect(await readdir(runs)).toEqual([]);
  });

  it("a plan measures each variant, counts what is there, and writes nothing", async () => {
    const sweep = sweepOf(`${seeds}\n${methods}`);
    await execute(sweepOf(seeds));
    const before = await readdir(runs);
    const plan = await planSweep(sweep, { jobs: 1, workers: 0, found: (await findRuns(sweep, runs)).reusable });
    expect(plan.variants).toMatchObject([
      { variant: "fedavg", runs: 2, tuningRuns: 0, complete: 2, seconds: 0 },
      { variant: "scaffold", runs: 2, tuningRuns: 0, complete: 0 },
    ]);
    expect(plan.seconds).toBe(plan.variants[1]!.seconds);
    expect(plan.seconds).toBeGreaterThan(0);
    expect(await readdir(runs)).toEqual(before);
  });

  it("a plan counts a variant that diverges, and measures the others", async () => {
    const sweep = sweepOf(`
      [[variants]]
      name = "strict"
      set = { training.learningRate = 1e30, stop.onClientFailure = "stop" }
      [[variants]]
      name = "sound"`);
    const plan = await planSweep(sweep, { jobs: 1, workers: 0, found: new Map() });
    expect(plan.variants).toMatchObject([
      { variant: "strict", runs: 1 },
      { variant: "sound", runs: 1 },
    ]);
    expect(plan.variants[1]!.cost.round).toBeGreaterThan(0);
  });

  it("a plan measures variants with keys that count rounds, some of them beyond the measured ones", async () => {
    const sweep = sweepOf(`
      [[variants]]
      name = "hard-examples-twice"
      set = { training.upSampling.rounds = 3 }
      [[variants]]
      name = "churn"
      set = { churn.share = 0.5, churn.from = 4 }
      [[variants]]
      name = "easy-first"
      set = { training.curriculum.order = "easy-first" }
      [[variants]]
      name = "one-round"
      set = { rounds = 1 }
      [[variants]]
      name = "long"
      set = { rounds = 1000000 }`);
    const { variants } = await planSweep(sweep, { jobs: 1, workers: 0, found: new Map() });
    expect(variants).toHaveLength(5);
    for (const { cost } of variants) {
      expect(cost.round).toBeGreaterThan(0);
      expect(cost.evaluation).toBeGreaterThan(0);
    }
  });

  it("the time of a run is projected from its rounds and evaluations", () => {
    const cost = { start: 2, round: 3, evaluation: 5, clientEvaluation: 7 };
    const config = parseConfig(
      "rounds = 10\n[data]\nholdout = 0.1\n[evaluation]\nevery = 4\nclientEvery = 5",
      "c.toml",
    );
    // 10 rounds; evaluations after rounds 4, 8 and 10; of clients after 5 and 10
    expect(projectSeconds(cost, config)).toBe(2 + 10 * 3 + 3 * 5 + 2 * 7);
  });
});
