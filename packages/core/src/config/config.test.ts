import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  applyOverrides,
  type Config,
  type ConfigInput,
  commentedTemplate,
  configFields,
  configHash,
  parseConfig,
  renderToml,
  resolveConfig,
} from "./index.ts";
import { lineOf } from "./toml-lines.ts";

const defaults = resolveConfig({});

describe("resolveConfig", () => {
  it("fills in every default", () => {
    expect(defaults).toMatchObject({
      seed: 1,
      data: { clients: 100, holdout: 0, partition: { scheme: "dirichlet" } },
      algorithm: { name: "fedavg" },
      training: { localEpochs: 1, momentum: 0, gradientClip: 0, schedule: "constant" },
      sampler: { name: "uniform", cohort: 10 },
      evaluation: { every: 1, clientEvery: 0, batch: 100 },
      stop: { onClientFailure: "continue" },
      checkpoint: { every: 1, keep: 2 },
      execution: { executor: "onnxruntime-node", workers: "auto" },
    });
  });

  it("changes nothing the second time, with either budget", () => {
    expect(resolveConfig(defaults)).toEqual(defaults);
    const steps = resolveConfig({ training: { localSteps: 5 } });
    expect(steps.training).not.toHaveProperty("localEpochs");
    expect(resolveConfig(steps)).toEqual(steps);
  });

  it("passes the options of named parts through", () => {
    const config = resolveConfig({
      model: { name: "mlp", hidden: [10, 20] },
      algorithm: { name: "fedprox", proximalStrength: 0.1 },
    });
    expect(config.model).toEqual({ name: "mlp", hidden: [10, 20] });
    expect(config.algorithm).toEqual({ name: "fedprox", proximalStrength: 0.1 });
  });

  it("describes every field, and every default satisfies the schema", () => {
    for (const { description, path } of configFields) expect(description, path.join(".")).not.toBe("");
    expect(configFields.filter(({ open }) => open).map(({ path }) => path.join("."))).toEqual([
      "data.partition",
      "model",
      "algorithm",
      "attack",
    ]);
  });
});

/** A run that is private, as far as a text must say. */
const gaussian = '[privacy]\nmechanism = "gaussian"';

describe("privacy in a configuration", () => {
  it("samples by coins and weighs all alike where nothing else is said", () => {
    const config = parseConfig(gaussian, "run.toml");
    expect([config.sampler.name, config.aggregation.weighting]).toEqual(["poisson", "uniform"]);
    expect(resolveConfig(config)).toEqual(config);
    expect(parseConfig(`${gaussian}\n[sampler]\nname = "uniform"`, "run.toml").sampler.name).toBe("uniform");
  });

  it("enters the identity of a run where there is a mechanism, and only there", () => {
    const config = parseConfig(`${gaussian}\nclipNorm = 0.5`, "run.toml");
    const other = { ...config, privacy: { ...config.privacy, clipNorm: 0.6 } };
    expect(configHash(other)).not.toBe(configHash(config));
    const without = (c: Config) => ({ ...c, privacy: { ...c.privacy, mechanism: "none" as const } });
    expect(configHash(without(other))).toBe(configHash(without(config)));
  });
});

const discrete = '[privacy]\nmechanism = "discrete-gaussian"\nminimumSurvivors = 5';
const bonawitz = '[secureAggregation]\nprotocol = "bonawitz"';

describe("secure aggregation in a configuration", () => {
  it("has integer noise in shares, and cohorts of a fixed size", () => {
    const config = parseConfig(`${discrete}\n${bonawitz}`, "run.toml");
    expect([config.privacy.noise, config.sampler.name, config.aggregation.weighting]).toEqual([
      "distributed",
      "uniform",
      "uniform",
    ]);
    expect(resolveConfig(config)).toEqual(config);
    expect(parseConfig(bonawitz, "run.toml").aggregation.weighting).toBe("examples");
  });

  it("enters the identity of a run where there is a protocol, and only there", () => {
    const config = parseConfig(bonawitz, "run.toml");
    const with8 = { ...config, secureAggregation: { ...config.secureAggregation, bits: 8 } };
    expect(configHash(with8)).not.toBe(configHash(config));
    const without = (c: Config) => ({ ...c, secureAggregation: { ...c.secureAggregation, protocol: "none" as const } });
    expect(configHash(without(with8))).toBe(configHash(without(config)));
  });

  it.each<[string, RegExp]>([
    ["[secureAggregation]\nbits = 8", /run.toml:2, secureAggregation.bits.*would see every update/],
    [discrete, /privacy.mechanism.*must not see single updates/],
    [`${gaussian}\n${bonawitz}`, /privacy.mechanism.*"discrete-gaussian" or "skellam"/],
    [`${discrete}\nnoise = "central"\n${bonawitz}`, /privacy.noise.*"distributed"/],
    [`[privacy]\nmechanism = "skellam"\n${bonawitz}`, /privacy.minimumSurvivors.*a number of clients/],
    [`${discrete}\ntargetQuantile = 0.5\n${bonawitz}`, /privacy.targetQuantile.*server adds noise to the count/],
    [`${discrete}\n${bonawitz}\nrange = 2`, /secureAggregation.range.*modulus/],
    [
      `${bonawitz}\nmaxWeight = 2\n[aggregation]\nweighting = "uniform"`,
      /secureAggregation.maxWeight.*have the same weight/,
    ],
    [`${bonawitz}\ncorrupted = 0.2`, /secureAggregation.corrupted.*Only "secagg\+"/],
    [`${bonawitz}\n[sampler]\ncohort = 1`, /sampler.cohort.*at least 2/],
    [`${discrete}\nnoiseMultiplier = 0\n${bonawitz}`, /privacy.noiseMultiplier.*more than 0/],
    [
      '[secureAggregation]\nprotocol = "secagg+"\ncorrupted = 0.5\ndropped = 0.5',
      /secureAggregation.corrupted.*less than 1/,
    ],
    [`${bonawitz}\nthreshold = 5`, /secureAggregation.threshold.*6 to 10/],
    [`${bonawitz}\nthreshold = 11`, /secureAggregation.threshold.*6 to 10/],
    [
      '[secureAggregation]\nprotocol = "lightsecagg"\nthreshold = 7',
      /secureAggregation.threshold.*8 to 10.*colluding/s,
    ],
    ['[secureAggregation]\nprotocol = "secagg+"\nthreshold = 6', /secureAggregation.threshold.*fixed-size/],
  ])("refuses %j", (text, message) => {
    expect(() => parseConfig(text, "run.toml")).toThrow(expect.objectContaining({ code: "config/conflict" }));
    expect(() => parseConfig(text, "run.toml")).toThrow(message);
  });
});

describe("errors of a configuration", () => {
  it.each<[string, string, RegExp]>([
    [
      "learningRate = 0.1",
      "config/unknown-key",
      /run.toml:1, learningRate.*received 0.1.*Did you mean "training.learningRate"/,
    ],
    ["[training]\nlearningrte = 1", "config/unknown-key", /run.toml:2, training.learningrte.*"training.learningRate"/],
    ["[data.partition]\nalfa = 1", "config/unknown-key", /run.toml:2, data.partition.alfa.*"alpha"/],
    ["[data.partition]\nalpha = -1", "config/invalid", /run.toml:2, data.partition.alpha.*received -1.*more than 0/],
    ['[data.partition]\nscheme = "dirchlet"', "config/unknown-name", /Did you mean "dirichlet"/],
    [
      "[training]\n\nlearningRate = -1",
      "config/invalid",
      /run.toml:3, training.learningRate.*received -1.*more than 0/,
    ],
    ["[training]\nlearningRate = nan", "config/invalid", /received NaN; expected a number/],
    ['[training]\nlearningRate = "0.1"', "config/invalid", /received "0.1"; expected a number.*default 0.05/],
    ["[training]\nbatchSize = 2.5", "config/invalid", /received 2.5; expected an integer/],
    ["[training]\nmomentum = 1", "config/invalid", /received 1; expected less than 1/],
    ['[sampler]\nname = "unifrom"', "config/invalid", /expected one of "uniform", "poisson".*Did you mean "uniform"/],
    ["[execution]\nworkers = 0", "config/invalid", /run.toml:2, execution.workers.*received 0/],
    ['[execution]\nworkers = "many"', "config/invalid", /received "many"/],
    ["training = { batchSize = 0, momentum = 7 }", "config/invalid", /run.toml:1.*Also wrong: training.momentum/],
    ["data = 3", "config/invalid", /received 3; expected a table/],
    ["seed = -1", "config/invalid", /at least 0/],
    ['name = ""', "config/invalid", /at least 1 characters/],
    ["started = 2026-01-01", "config/unknown-key", /started/],
    ["rounds = ", "config/syntax", /run.toml:1:\d+.*received rounds =/],
    ["rounds = 3\nrounds = 4", "config/syntax", /run.toml:2/],
    ["rounds = 9007199254740993", "config/syntax", /losslessly/],
    ["[__proto__]\nx = 1", "config/syntax", /run.toml/],
    [
      "[training]\nlocalEpochs = 1\nlocalSteps = 2",
      "config/conflict",
      /run.toml:3, training.localSteps.*one of the two/,
    ],
    ["[sampler]\ncohort = 101", "config/conflict", /received 101; expected at most data.clients = 100/],
    ["[sampler]\ncohort = 1.5", "config/conflict", /an integer if/],
    ["[evaluation]\nclientEvery = 5", "config/conflict", /Set data.holdout/],
    ["[privacy]\nclipNorm = 0.5", "config/conflict", /run.toml:2, privacy.clipNorm.*would not be private/],
    [`${gaussian}\nnoiseMultiplier = -1`, "config/invalid", /privacy.noiseMultiplier.*at least 0/],
    [`${gaussian}\nclipNorm = 0`, "config/invalid", /privacy.clipNorm.*more than 0/],
    [`${gaussian}\n[aggregation]\nweighting = "examples"`, "config/conflict", /aggregation.weighting.*sensitivity/],
    [`${gaussian}\n[aggregation]\nclipNorm = 1`, "config/conflict", /aggregation.clipNorm.*privacy.clipNorm/],
    [`${gaussian}\nnoise = "distributed"`, "config/conflict", /privacy.minimumSurvivors.*a number of clients/],
    [`${gaussian}\nnoise = "distributed"\nminimumSurvivors = 11`, "config/conflict", /at most 10/],
    [`${gaussian}\nminimumSurvivors = 2`, "config/conflict", /Only distributed noise/],
    [`${gaussian}\ntargetQuantile = 1`, "config/invalid", /less than 1/],
    [`${gaussian}\ntargetQuantile = 0.5\nclipping = "per-layer"`, "config/conflict", /clipping = "flat"/],
    [`${gaussian}\nnoiseMultiplier = 0\ntargetEpsilon = 1`, "config/conflict", /noiseMultiplier.*received 0, with/],
    [`${gaussian}\ndelta = 1`, "config/invalid", /privacy.delta.*less than 1/],
    [
      `${gaussian}\nnoiseMultiplier = 1\ntargetQuantile = 0.5`,
      "config/conflict",
      /privacy.countNoise.*received 0.5.*above 0.5/,
    ],
    [`${gaussian}\ncountNoise = 2`, "config/conflict", /without privacy.targetQuantile/],
    ["[evaluation]\nevery = 0\n[stop]\npatience = 3", "config/conflict", /run.toml:4, stop.patience/],
    ["[evaluation]\nevery = 0\n[stop]\ntargetAccuracy = 0.5", "config/conflict", /stop.targetAccuracy/],
  ])("%j is %s", (text, code, message) => {
    expect(() => parseConfig(text, "run.toml")).toThrow(expect.objectContaining({ code }));
    expect(() => parseConfig(text, "run.toml")).toThrow(message);
  });

  it("allow an expected cohort that is a fraction", () => {
    expect(resolveConfig({ sampler: { name: "poisson", cohort: 1.5 } }).sampler.cohort).toBe(1.5);
  });

  it("name the key path where there is no file", () => {
    expect(() => resolveConfig({ training: { batchSize: 0 } })).toThrow(/\(training.batchSize\)/);
  });
});

describe("parseConfig", () => {
  it.each<[string, string, string]>([
    ["dotted keys without end", `model.${"b.".repeat(20_000)}c = 1`, "config/too-large"],
    ["tables without end", `[${"a.".repeat(20_000)}b]\nc = 1`, "config/too-large"],
    ["lists in lists", `rounds = ${"[".repeat(900)}${"]".repeat(900)}`, "config/syntax"],
    ["tables in tables", `rounds = ${"{ a = ".repeat(900)}1${" }".repeat(900)}`, "config/syntax"],
    ["a line of 20 MB", "x".repeat(2e7), "config/too-large"],
    ["a number of a megabyte", `rounds = ${"9".repeat(1e6)}`, "config/syntax"],
    ["a key of a megabyte", `${"k".repeat(1e6)} = 1`, "config/unknown-key"],
  ])("refuses %s, in a few lines", (_, text, code) => {
    let error: unknown;
    try {
      parseConfig(text, "hostile.toml");
    } catch (reason) {
      error = reason;
    }
    expect(error).toMatchObject({ code });
    expect(String(error)).toMatch(/hostile\.toml/);
    expect(String(error).length).toBeLessThan(5000);
  });

  it("reads tables, dotted keys and a byte order mark", () => {
    const config = parseConfig('\uFEFFrounds = 3\r\ndata.clients = 20\r\n[training]\r\nschedule = "cosine"\r\n', "x");
    expect([config.rounds, config.data.clients, config.training.schedule]).toEqual([3, 20, "cosine"]);
  });

  it("reads 1e-6 as a number", () => {
    expect(parseConfig("[training]\nlearningRate = 1e-6", "x").training.learningRate).toBe(1e-6);
  });

  it("prefers overrides and names them in errors", () => {
    const text = "[training]\nlearningRate = 0.1\nlocalEpochs = 3";
    const set = ["training.learningRate=0.05", "name=my run", "training.localEpochs=", "training.localSteps=4"];
    const config = parseConfig(text, "x", set);
    expect([config.training.learningRate, config.name, config.training.localSteps]).toEqual([0.05, "my run", 4]);
    expect(() => parseConfig(text, "x", ["training.batchSize=many"])).toThrow(
      /--set training.batchSize\); received "many"/,
    );
  });
});

describe("applyOverrides", () => {
  it("reads values as TOML, else as text, and leaves its argument alone", () => {
    const raw = { model: { name: "mlp" } };
    const set = ["model.hidden=[1, 2]", "a.b.c=true", "t=x = 1", 'q="5"', "w=resnet-8", "n=1e-3"];
    expect(applyOverrides(raw, set)).toEqual({
      model: { name: "mlp", hidden: [1, 2] },
      a: { b: { c: true } },
      t: "x = 1",
      q: "5",
      w: "resnet-8",
      n: 0.001,
    });
    expect(raw).toEqual({ model: { name: "mlp" } });
    expect(applyOverrides({}, ["x=1\ny=2"])).toEqual({ x: "1\ny=2" });
  });

  it.each(["rounds", "=3", "a..b=1", "__proto__.x=1", "a b=1"])("refuses %j", (assignment) => {
    expect(() => applyOverrides({}, [assignment])).toThrow(expect.objectContaining({ code: "config/override" }));
  });

  it("refuses a path through a value", () => {
    expect(() => applyOverrides({ rounds: 3 }, ["rounds.x=1"])).toThrow(/received rounds = 3; expected a table/);
  });
});

describe("renderToml", () => {
  // The TOML writer drops the sign of -0, which no option can mean.
  const float = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));
  const option = fc.oneof(fc.integer(), float, fc.string(), fc.boolean());
  const inputs: fc.Arbitrary<ConfigInput> = fc.record({
    name: fc.string({ minLength: 1, maxLength: 20 }),
    seed: fc.maxSafeNat(),
    rounds: fc.integer({ min: 1, max: 1e6 }),
    training: fc.record({
      learningRate: fc.double({ min: Number.MIN_VALUE, max: 1e300, noNaN: true }),
      weightDecay: fc.double({ min: 0, max: 1, noNaN: true }).map(Math.abs),
    }),
    algorithm: fc
      .dictionary(fc.constantFrom("alpha", "beta", "x-y", "Name"), option)
      .map((options) => ({ ...options, name: "fedavg" })),
  });

  it("reads back to the same configuration and the same hash", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const config = resolveConfig(input);
        const again = parseConfig(renderToml(config), "rendered");
        expect(again).toEqual(config);
        expect(configHash(again)).toBe(configHash(config));
      }),
    );
  });

  it("does not depend on the order in which keys were written", () => {
    const a = resolveConfig({
      seed: 2,
      algorithm: { name: "x", p: 1, q: 2 },
      training: { momentum: 0.9, batchSize: 7 },
    });
    const b = resolveConfig({
      training: { batchSize: 7, momentum: 0.9 },
      algorithm: { q: 2, p: 1, name: "x" },
      seed: 2,
    });
    expect(renderToml(a)).toBe(renderToml(b));
    expect(renderToml(a).split("\n").slice(0, 2)).toEqual(['name = "run"', "seed = 2"]);
  });

  it("writes one of the two budgets", () => {
    expect(renderToml(resolveConfig({ training: { localSteps: 3 } }))).not.toContain("localEpochs");
    expect(renderToml(defaults)).not.toContain("localSteps");
  });
});

describe("configHash", () => {
  const hash = (input: ConfigInput) => configHash(resolveConfig(input));

  it("ignores what changes no bit", () => {
    for (const input of [
      { name: "other" },
      { data: { dataDir: "/tmp" } },
      { model: { initialWeights: "w.safetensors" } },
      { execution: { workers: 8, window: 3 } },
      { checkpoint: { every: 5 } },
    ]) {
      expect(hash(input)).toBe(configHash(defaults));
    }
  });

  it("notices everything else", () => {
    const inputs: ConfigInput[] = [
      { seed: 2 },
      { rounds: 31 },
      { data: { holdout: 0.1 } },
      { data: { partition: { alpha: 0.2 } } },
      { model: { hidden: 3 } },
      { algorithm: { name: "fedprox" } },
      { training: { localSteps: 1 } },
      { sampler: { cohort: 9 } },
      { execution: { executor: "interpreter" } },
    ];
    expect(new Set([configHash(defaults), ...inputs.map(hash)]).size).toBe(inputs.length + 1);
  });
});

describe("commentedTemplate", () => {
  const text = commentedTemplate('quick "start"');

  it("is the quickstart", () => {
    const config: Config = parseConfig(text, "template");
    expect(config).toEqual(
      resolveConfig({
        name: 'quick "start"',
        rounds: 30,
        data: {
          dataset: "fashion-mnist-10k",
          clients: 100,
          partition: { scheme: "dirichlet", alpha: 0.1, recipe: "equal-size" },
        },
        model: { name: "cnn-28x28" },
        algorithm: { name: "fedavg" },
        training: { localEpochs: 2, batchSize: 20 },
        sampler: { cohort: 10 },
      }),
    );
  });

  it("has every key, in lines that fit a terminal", () => {
    for (const { path, section } of configFields) {
      expect(text).toContain(section ? `[${path.join(".")}]` : `${path.at(-1)} =`);
    }
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(120);
  });
});

describe("lineOf", () => {
  const text = '# head\nrounds = 3\n"data".clients = 5\n\n[ training ] # local work\nmomentum = 0.9\nx = { y = 1 }\n';
  it.each<[string, number | undefined]>([
    ["rounds", 2],
    ["data.clients", 3],
    ["training", 5],
    ["training.momentum", 6],
    ["training.x.y", 7],
    ["training.absent", 5],
    ["absent", undefined],
  ])("%s: %s", (path, line) => {
    expect(lineOf(text, path.split("."))).toBe(line);
  });
});
