import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  AnabranchError,
  type ConfigInput,
  decodeCheckpoint,
  encodeCheckpoint,
  type RunEvent,
  resolveConfig,
} from "@anabranch/core";
import { openRunFolder, openSimulation, resumeRun, simulate, startRun } from "@anabranch/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/**
 * What goes wrong from outside, through the whole program: each time an error with code, place, what was received and
 * what to do, and nothing lost. Files cut at every byte, full disks at every operation, and workers that die are tested
 * where they are handled; Ctrl-C beside the command.
 */
const bin = fileURLToPath(new URL("../packages/node/bin/anabranch.mjs", import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-bad-"));
  await put("data.mjs", dataset({}));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function put(name: string, text: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, text);
  return path;
}

/** A module with twelve examples of four floats and two classes; parts are JavaScript expressions. */
function dataset(parts: { features?: string; labels?: string; test?: string }): string {
  const { features = "(i) => i / 48", labels = "(i) => i % 2", test = "part(4)" } = parts;
  return `const part = (n) => ({
    name: "mine", classes: 2,
    features: { dtype: "float", shape: [n, 4], data: Float32Array.from({ length: 4 * n }, (_, i) => (${features})(i)) },
    labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => (${labels})(i)) },
  });
  export default () => ({ train: part(12), test: ${test} });`;
}

/** A run of a second on the module's data. */
function tiny(more: ConfigInput = {}): ConfigInput {
  return {
    rounds: 3,
    ...more,
    data: { file: join(folder, "data.mjs"), clients: 3, partition: { scheme: "iid" }, ...more.data },
    model: { name: "logistic", ...more.model },
    sampler: { cohort: 2, ...more.sampler },
    training: { batchSize: 2, ...more.training },
  };
}

/** The error that something fails with, complete for a user. */
async function failure(action: () => unknown): Promise<AnabranchError> {
  const error = await Promise.resolve()
    .then(action)
    .then(
      () => new Error("nothing failed"),
      (reason: unknown) => reason,
    );
  if (!(error instanceof AnabranchError)) throw error;
  const { where, received, expected, advice } = error.failure;
  expect([error.message, where, received ?? expected ?? advice], error.message).not.toContain(undefined);
  return error;
}

const prepared = (config: ConfigInput) => () => openSimulation(resolveConfig(config), "t", { workers: 0 });

describe("a configuration", () => {
  it.each<[string, ConfigInput, string, RegExp]>([
    ["a misspelt section", { trainig: {} } as ConfigInput, "config/unknown-key", /Did you mean "training"/],
    ["a misspelt key", { training: { batchsize: 3 } } as ConfigInput, "config/unknown-key", /"training.batchSize"/],
    [
      "a value out of range",
      { training: { learningRate: -1 } },
      "config/invalid",
      /training.learningRate.*more than 0/,
    ],
    [
      "a value of another kind",
      { rounds: "ten" } as unknown as ConfigInput,
      "config/invalid",
      /rounds.*expected a number/,
    ],
    ["an unknown choice", { training: { schedule: "cosin" } } as unknown as ConfigInput, "config/invalid", /"cosine"/],
    ["an unknown model", { model: { name: "resnet9" } }, "config/unknown-name", /Did you mean "resnet/],
    ["a misspelt option of a model", { model: { name: "mlp", hiden: [3] } }, "config/unknown-key", /model.*"hidden"/],
    ["an option of a model out of range", { model: { name: "vit", patch: 0 } }, "config/invalid", /model.patch/],
    ["a partition's option", { data: { partition: { alpha: 0 } } }, "config/invalid", /data.partition.alpha/],
    ["a cohort larger than the population", { data: { clients: 5 } }, "config/conflict", /sampler.cohort.*at most/],
    [
      "churn after the last round",
      { rounds: 5, churn: { share: 0.5, from: 6 } },
      "config/conflict",
      /churn.from.*at most/,
    ],
    ["two budgets", { training: { localSteps: 1, localEpochs: 1 } }, "config/conflict", /one of the two/],
  ])("with %s", async (_what, config, code, message) => {
    const error = await failure(() => resolveConfig(config));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  it.each<[string, ConfigInput, string, RegExp]>([
    ["an unknown method", { algorithm: { name: "fedpox" } }, "algorithm/unknown", /Did you mean "fedprox"/],
    [
      "a misspelt option of a method",
      { algorithm: { name: "fedprox", nu: 1 } },
      "algorithm/unknown-option",
      /"mu"|prox/,
    ],
    [
      "an option of a method out of range",
      { algorithm: { name: "fedavgm", beta: 1 } },
      "algorithm/option",
      /serverMom/,
    ],
    [
      "no value for an option that a method requires",
      { algorithm: { name: "fedpac" } },
      "algorithm/missing-option",
      /^missing required option \(algorithm\.optimizer\); expected one of "sgd", "adam", "adamw"/,
    ],
    [
      "clipping of updates that clients keep a part of",
      { algorithm: { name: "scaffold" }, aggregation: { clipNorm: 1 } },
      "config/conflict",
      /aggregation.clipNorm.*gradientClip/s,
    ],
    [
      "more blocks than the model has layers",
      { algorithm: { name: "fedbcgd", blocks: 4 }, model: { name: "mlp", hidden: [4, 4] } },
      "algorithm/blocks",
      /algorithm.blocks.*at most 2/s,
    ],
    [
      "fewer clients in a round than parts of the model",
      { algorithm: { name: "fedbcgd+" }, model: { name: "mlp", hidden: [4, 4] }, sampler: { cohort: 1 } },
      "config/conflict",
      /sampler.cohort.*at least 2.*algorithm.blocks = 1/s,
    ],
    ["weights that are not there", { model: { initialWeights: "/none.safetensors" } }, "params/unreadable", /none/],
  ])("with %s", async (_what, config, code, message) => {
    const error = await failure(prepared(tiny(config)));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });
});

describe("data", () => {
  const withData = async (name: string, text: string) => prepared(tiny({ data: { file: await put(name, text) } }));

  it.each([
    [
      "a feature that is no number",
      { features: "(i) => i === 9 ? NaN : i" },
      "data/not-finite",
      /example 2, element 1/,
    ],
    ["an infinite feature", { features: "(i) => i === 47 ? Infinity : i" }, "data/not-finite", /example 11, element 3/],
    ["a label outside the classes", { labels: "(i) => i % 3" }, "data/label", /label 2.*from 0 to 1/s],
    ["no test examples", { test: "part(0)" }, "data/empty", /test part/],
    [
      "test examples of another shape",
      { test: "{ ...part(4), features: { dtype: 'float', shape: [4, 2], data: new Float32Array(8) } }" },
      "data/mismatch",
      /float\[2\].*float\[4\]/s,
    ],
    ["fewer features than they say", { test: "{ ...part(4), features: part(3).features }" }, "data/shape", /labels/],
    ["something else", { test: "7" }, "local/export", /test/],
  ])("with %s", async (what, parts, code, message) => {
    const error = await failure(await withData(`${what.replaceAll(" ", "-")}.mjs`, dataset(parts)));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  it.each([
    ["cut short", (bytes: Uint8Array) => bytes.subarray(0, -1), "data/truncated"],
    ["without its header", (bytes: Uint8Array) => bytes.subarray(4), "data/magic"],
    ["too long", (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.of(0)]), "data/oversized"],
  ])("in an IDX file that is %s", async (_what, damage, code) => {
    const images = idx([20, 28, 28]);
    const place = `mnist-${code.slice(5)}`;
    await put(`${place}/t10k-images-idx3-ubyte`, images);
    for (const part of ["train", "t10k"]) await put(`${place}/${part}-labels-idx1-ubyte`, idx([20]));
    const damaged = await put(`${place}/train-images-idx3-ubyte`, damage(images));
    const dataDir = join(folder, place);
    const config = resolveConfig({ data: { dataset: "mnist", dataDir, clients: 2 }, sampler: { cohort: 1 } });
    const error = await failure(() => openSimulation(config, "t", { workers: 0 }));
    expect(error.code).toBe(code);
    expect(error.failure.where).toContain(damaged);
  });

  it("of which a client would have none, say what to change", async () => {
    const partition = { scheme: "dirichlet", alpha: 0.01, recipe: "disjoint" };
    const error = await failure(prepared({ data: { partition } }));
    expect(error.code).toBe("partition/empty-client");
    expect(error.message).toMatch(/alpha 0.01, 100 clients.*equal-size.*larger alpha/s);
  });

  it("that a model is not made for, by shape, kind or number of classes", async () => {
    const text = { dataset: "tiny-shakespeare", clients: 5, partition: { scheme: "natural" } };
    const sampler = { cohort: 2 };
    const codes: [ConfigInput, string][] = [
      [{ data: text, model: { name: "cnn-28x28" }, sampler }, "model/input"],
      [{ data: text, model: { name: "mlp" }, sampler }, "model/labels"],
      [{ model: { name: "char-transformer" } }, "model/input"],
      [{ model: { name: "cnn-28x28", input: [1, 20, 20] } }, "model/features"],
      [{ model: { name: "mlp", classes: 5 } }, "model/classes"],
      [{ data: { partition: { scheme: "natural" } } }, "partition/no-groups"],
      [
        { data: { ...text, partition: { scheme: "dirichlet" } }, model: { name: "char-transformer" }, sampler },
        "partition/labels",
      ],
    ];
    for (const [config, code] of codes) expect((await failure(prepared(config))).code, code).toBe(code);
  });
});

describe("an own file", () => {
  it.each([
    ["is not there", undefined, "local/not-found"],
    ["is not JavaScript", "export default function {", "local/failed"],
    ["exports no function", "export default 3;", "local/export"],
    ["exports nothing by default", "export const model = 3;", "local/export"],
    ["makes something else", "export default () => ({ name: 'x' });", "local/export"],
    ["makes a promise", "export default async () => ({ name: 'x' });", "local/export"],
    ["throws", "throw new Error('no');", "local/failed"],
  ])("that %s", async (what, text, code) => {
    const file = join(folder, `${what.replaceAll(" ", "-")}.mjs`);
    if (text !== undefined) await put(`${what.replaceAll(" ", "-")}.mjs`, text);
    for (const part of ["model", "algorithm"] as const) {
      const error = await failure(prepared(tiny({ [part]: { file } })));
      expect(error.code).toBe(code);
      expect(error.failure.where?.replace(/(:\d+)+$/, "")).toBe(file);
    }
  });
});

describe("an update that is not finite", () => {
  const wild: ConfigInput = { training: { learningRate: 1e38 } };

  it("is reported and left out; a run of nothing else has diverged", async () => {
    const events: RunEvent[] = [];
    const result = await simulate(tiny(wild), { workers: 0, onEvent: (event) => events.push(event) });
    const { stopped, reason, history } = result;
    expect([stopped, reason]).toEqual(["diverged", expect.stringMatching(/^Rounds 1 to 3: all clients failed/)]);
    expect(history.map(({ clients }) => clients)).toEqual([0, 0, 0]);
    const failed = events.filter((event) => event.type === "client.failed");
    expect(failed).toHaveLength(6);
    expect(failed[0]).toMatchObject({
      round: 1,
      code: "client/not-finite",
      message: expect.stringMatching(/learningRate/),
    });
    expect(events.filter((event) => event.type === "run.warning")).toHaveLength(3);
  });

  it("stops the run where it is so configured", async () => {
    const error = await failure(() => simulate(tiny({ ...wild, stop: { onClientFailure: "stop" } }), { workers: 0 }));
    expect(error.code).toBe("round/client-failed");
    expect(error.failure.where).toMatch(/^round 1, client \d$/);
  });
});

describe("a run's folder", () => {
  const runs = () => join(folder, "runs");
  const options = () => ({ runs: runs(), workers: 0 });
  /** A run of three rounds with all its checkpoints. */
  const finished = (more: ConfigInput = {}) =>
    startRun(resolveConfig(tiny({ checkpoint: { keep: 9 }, ...more })), options());
  const checkpoints = async (run: string) =>
    (await readdir(join(run, "checkpoints")))
      .filter((name) => name.startsWith("round-"))
      .sort()
      .map((name) => join(run, "checkpoints", name));

  it("whose newest checkpoint is cut short continues from the one before, with a warning", async () => {
    const { folder: run, result } = await finished();
    await truncate((await checkpoints(run)).at(-1)!, 100);
    const events: RunEvent[] = [];
    const again = await resumeRun(run, { ...options(), onEvent: (event) => events.push(event) });
    expect(events[0]).toMatchObject({ type: "run.warning", code: "checkpoint/truncated" });
    expect(events[1]).toMatchObject({ type: "run.started", resumedFrom: 2 });
    expect(again.result.modelHash).toBe(result.modelHash);
  });

  it("is refused as it is, and stays so, where it cannot be continued", async () => {
    const { folder: run } = await finished();
    const before = await readFile(join(run, "events.jsonl"), "utf8");
    const config = await readFile(join(run, "config.toml"), "utf8");
    const newest = (await checkpoints(run)).at(-1)!;
    const bytes = await readFile(newest);
    const refused = async (code: string, message: RegExp) => {
      const error = await failure(() => resumeRun(run, options()));
      expect(error.code).toBe(code);
      expect(error.message).toMatch(message);
      expect(await readFile(join(run, "events.jsonl"), "utf8")).toBe(before);
      await writeFile(join(run, "config.toml"), config);
      await writeFile(newest, bytes);
    };
    await writeFile(join(run, "config.toml"), config.replace("rounds = 3", "rounds = 4"));
    await refused("checkpoint/config", /start a new run/);
    await writeFile(newest, encodeCheckpoint({ ...decodeCheckpoint(bytes, newest), packageVersion: "9.9.9" }));
    await refused("checkpoint/version", /received 9\.9\.9/);
    await rm(join(run, "config.toml"));
    await refused("run/no-config", /config.toml/);
    await put("data.mjs", dataset({ features: "(i) => i / 47" }));
    // a module is loaded once a process: another process sees the change
    const other = anabranch(["resume", run, "--trust", "--json"]);
    expect(JSON.parse(other.stdout)).toMatchObject({ error: { code: "checkpoint/data" } });
    await put("data.mjs", dataset({}));
    for (const file of await checkpoints(run)) await truncate(file, 100);
    await refused("checkpoint/truncated", /round-0*3.*None of the run's \d checkpoints can be read/s);
  });

  it("is not written by two processes at once", async () => {
    const { folder: run } = await finished();
    const lock = await (await openRunFolder(run)).lock();
    expect((await failure(() => resumeRun(run, options()))).code).toBe("run/locked");
    const other = anabranch(["resume", run, "--trust", "--json"]);
    expect(JSON.parse(other.stdout)).toMatchObject({ error: { code: "run/locked", where: join(run, "lock") } });
    await lock.release();
    expect((await resumeRun(run, options())).result.stopped).toBe("finished");
  });

  it("is not made for a configuration that cannot run", async () => {
    const before = await readdir(runs());
    await failure(() => startRun(resolveConfig(tiny({ algorithm: { name: "none" } })), options()));
    expect(await readdir(runs())).toEqual(before);
  });

  it.skipIf(process.platform === "win32")(
    "on a full disk keeps what was saved, and goes on when there is room",
    async () => {
      const text = `rounds = 3
[data]
file = "data.mjs"
clients = 3
partition = { scheme = "iid" }
[model]
name = "mlp"
hidden = [4000]
[sampler]
cohort = 2
`;
      await put("full.toml", text);
      // no file may grow beyond 64 blocks of 1,024 bytes; the first checkpoint has 120,000 bytes
      const full = anabranch(["run", "full.toml", "--runs", "full", "--workers", "1", "--json"], "ulimit -f 64; ");
      expect(full.status).toBe(1);
      const lines = full.stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect(lines.at(-1)).toMatchObject({
        error: { code: "store/disk-full", advice: expect.stringMatching(/resume/) },
      });
      expect(lines).toContainEqual(expect.objectContaining({ type: "run.stopped", reason: "interrupted" }));
      const said = anabranch(["run", "full.toml", "--runs", "full-too", "--workers", "1"], "ulimit -f 64; ");
      expect(`${said.stdout}${said.stderr}`.match(/there is no room on the disk/g)).toHaveLength(1);
      expect(said.stderr).toMatch(/^The run stopped\. .* Resume with: /m);
      const listed = JSON.parse(anabranch(["list", "--runs", "full", "--json"]).stdout);
      expect(listed.runs).toMatchObject([{ status: "interrupted" }]);
      const { result } = await resumeRun(await onlyRun(join(folder, "full")), options());
      const whole = await startRun(
        resolveConfig(tiny({ model: { name: "mlp", hidden: [4000] }, training: { batchSize: 20 } })),
        options(),
      );
      expect(result).toMatchObject({ stopped: "finished", round: 3, modelHash: whole.result.modelHash });
    },
  );
});

async function onlyRun(runs: string): Promise<string> {
  const names = (await readdir(runs)).filter((name) => !name.startsWith("index."));
  expect(names).toHaveLength(1);
  return join(runs, names[0]!);
}

/** The real command in the test's folder, in a shell after `before`. */
function anabranch(words: readonly string[], before = "") {
  const script = `${before}exec "$0" "$@"`;
  const env = { ...process.env, XDG_CACHE_HOME: join(folder, ".cache") };
  return spawnSync("bash", ["-c", script, process.execPath, bin, ...words], { cwd: folder, env, encoding: "utf8" });
}

/** An IDX file of bytes i % 2. */
function idx(shape: readonly number[]): Uint8Array {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, 8, shape.length]);
  for (const [axis, extent] of shape.entries()) header.writeUInt32BE(extent, 4 + 4 * axis);
  return Buffer.concat([header, Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i % 2)]);
}
