import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConfigInput, renderToml, resolveConfig } from "@anabranch/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readRunFolder } from "../report/run-data.ts";
import { extendRun } from "./extend-run.ts";
import { resumeRun, startRun } from "./session.ts";

let runs: string;
beforeAll(async () => {
  runs = await mkdtemp(join(tmpdir(), "anabranch-extended-"));
});
afterAll(() => rm(runs, { recursive: true, force: true }));

const small = (rounds: number, more: ConfigInput = {}) =>
  resolveConfig({
    rounds,
    data: { dataset: "synthetic", clients: 20, synthetic: { shape: [1, 8, 8], testExamples: 40 } },
    model: { name: "logistic" },
    training: { localSteps: 1 },
    sampler: { cohort: 4 },
    evaluation: { every: 2 },
    ...more,
  });
const start = (rounds: number, more?: ConfigInput) => startRun(small(rounds, more), { runs, workers: 0 });

describe("a run with more rounds", () => {
  it.each([
    ["client states", { algorithm: { name: "scaffold" } }],
    ["the server's optimizer", { algorithm: { name: "fedavgm" } }],
    [
      "an exponential schedule and privacy",
      {
        algorithm: { name: "dp-fedavg" },
        training: { localSteps: 1, schedule: "exponential", decay: 0.9 },
        privacy: { mechanism: "gaussian", noiseMultiplier: 2, delta: 0.01 },
      },
    ],
    [
      "a block of random allocation that had begun",
      {
        algorithm: { name: "dp-fedavg" },
        sampler: { name: "random-allocation", cohort: 5 },
        privacy: {
          mechanism: "gaussian",
          accountant: "pld",
          noiseMultiplier: 2,
          targetQuantile: 0.5,
          countNoise: 2,
          delta: 0.01,
        },
      },
    ],
  ] satisfies [string, ConfigInput][])("continues %s: it ends as one that had them from the start", async (_, more) => {
    const whole = await start(5, more);
    const short = await start(3, more);
    await extendRun(short.folder, 5);
    const extended = await resumeRun(short.folder, { runs, workers: 0 });
    expect(extended.result).toMatchObject({ round: 5, stopped: "finished", modelHash: whole.result.modelHash });
    const [a, b] = [whole.folder, short.folder].map(readRunFolder);
    expect(b!.finished).toMatchObject({ rounds: 5, bytesUp: a!.finished!.bytesUp, accuracy: a!.finished!.accuracy });
    expect(b!.rounds.map(({ round, loss }) => [round, loss])).toEqual(
      a!.rounds.map(({ round, loss }) => [round, loss]),
    );
    expect(b!.finished!.privacy?.epsilon).toBe(a!.finished!.privacy?.epsilon);
    expect(b!.start!.rounds).toBe(5);
    expect(await readFile(join(short.folder, "config.toml"), "utf8")).toContain("rounds = 5");
  });

  it("can be given them again where the command was cut off before the configuration was written", async () => {
    const { folder } = await start(2);
    await extendRun(folder, 4);
    await writeFile(join(folder, "config.toml"), renderToml(small(2)));
    await extendRun(folder, 4);
    expect((await resumeRun(folder, { runs, workers: 0 })).result.round).toBe(4);
  });

  it("is refused where it would have been another from the start", async () => {
    const refusals: [ConfigInput, RegExp][] = [
      [{ training: { localSteps: 1, schedule: "cosine" } }, /training\.schedule/],
      [
        {
          algorithm: { name: "dp-fedavg" },
          privacy: { mechanism: "gaussian", targetEpsilon: 20, delta: 0.01 },
        },
        /privacy\.targetEpsilon/,
      ],
      [{ stop: { patience: 5 }, evaluation: { every: 3 } }, /stop\.patience/],
      [{ training: { localSteps: 1, curriculum: { order: "easy-first" } } }, /training\.curriculum/],
      [{ sampler: { name: "hetero-select", cohort: 4 } }, /sampler\.name/],
      [{ sampler: { name: "easiest-first", cohort: 4 } }, /sampler\.name/],
      [
        { algorithm: { name: "single-merging" }, topology: { name: "ring" }, sampler: { name: "full" } },
        /the only merging/,
      ],
      [{ training: { localSteps: 1, calibration: { samples: 2 } } }, /training\.calibration/],
    ];
    for (const [more, message] of refusals) {
      const { folder } = await start(2, more);
      await expect(extendRun(folder, 4)).rejects.toMatchObject({
        failure: { code: "config/rounds-dependent", message: expect.stringMatching(message) },
      });
      expect(await readFile(join(folder, "config.toml"), "utf8")).toContain("rounds = 2");
    }
  });

  it("is refused where it has so many already", async () => {
    const { folder } = await start(2);
    for (const rounds of [1, 2]) {
      await expect(extendRun(folder, rounds)).rejects.toMatchObject({ failure: { code: "usage/rounds" } });
    }
  });
});
