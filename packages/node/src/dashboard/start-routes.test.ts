import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FormSection } from "./form.ts";
import type { Started } from "./run-starter.ts";
import { type TestDashboard, testDashboard } from "./testing/test-dashboard.ts";

let world: TestDashboard;
beforeEach(async () => {
  world = await testDashboard();
});
afterEach(() => world.close());

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  world.request(path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
const started = async () => (await world.json("/api/started")) as Started;
const untilState = (state: string) => expect.poll(async () => (await started()).state, { timeout: 50_000 }).toBe(state);

/** A run of a moment for each round. */
const small = (rounds: number, more: Record<string, unknown> = {}) => ({
  config: {
    ...{ name: "from the page", rounds, model: { name: "logistic" }, sampler: { cohort: 2 } },
    data: { dataset: "synthetic", clients: 4, synthetic: { shape: [1, 4, 4], examples: 8, testExamples: 8 } },
    ...more,
  },
});

describe("the form", () => {
  it("has every section of the configuration with defaults, help and the options of named parts", async () => {
    const { sections } = (await world.json("/api/form")) as { sections: FormSection[] };
    expect(sections.map(({ path }) => path)).toEqual([
      ...[
        "",
        "data",
        "data.questions",
        "data.partition",
        "data.shift",
        "data.unlabelled",
        "data.synthetic",
        "taskStream",
      ],
      ...["model", "adapters", "parameters", "algorithm"],
      ...["training", "training.loss", "training.openWorld", "training.curriculum", "training.alignment"],
      ...["training.upSampling", "training.calibration", "sampler", "schedule"],
      ...["topology", "devices", "churn", "aggregation", "compression", "privacy", "secureAggregation", "attack"],
      ...["evaluation", "diagnostics"],
      ...["stop", "checkpoint", "execution"],
    ]);
    const field = (path: string) => sections.flatMap(({ fields }) => fields).find((one) => one.path === path);
    expect(field("training.learningRate")).toMatchObject({ kind: "number", initial: 0.05, required: false });
    expect(field("training.learningRate")?.description).toContain("local learning rate");
    expect(field("training.schedule")?.choices).toContain("cosine");
    expect(field("training.nesterov")).toMatchObject({ kind: "flag", initial: false });
    expect(field("execution.workers")).toMatchObject({ kind: "number", initial: "auto" });
    expect(field("data.dataset")?.choices).toEqual(expect.arrayContaining(["fashion-mnist-10k", "synthetic"]));
    expect(field("data.dataset")?.choices.filter((name) => name.includes(":"))).toEqual([]);
    for (const path of ["model.file", "data.file", "algorithm.file", "data.dataDir"])
      expect(field(path)).toBeUndefined();
    const { options } = sections.find(({ path }) => path === "algorithm")!;
    expect(options?.by).toBe("algorithm.name");
    expect(options?.of["fedprox"]?.map(({ path }) => path)).toContain("algorithm.proximalStrength");
  });

  it.each([
    [{ training: { learningRate: -1 } }, "config/invalid", "training.learningRate"],
    [{ training: { learningRat: 1 } }, "config/unknown-key", "training.learningRat"],
    [{ data: { clients: 2 }, sampler: { cohort: 3 } }, "config/conflict", "sampler.cohort"],
    [{ algorithm: { name: "fedprox", strength: 1 } }, "algorithm/unknown-option", "algorithm.strength"],
    [{ model: { name: "mlp", hidden: ["x"] } }, "config/invalid", "model.hidden.0"],
    [{ privacy: { mechanism: "none", targetEpsilon: 1 } }, "config/conflict", "privacy.targetEpsilon"],
  ])("refuses %j in the words of the schema", async (config, code, where) => {
    const response = await post("/api/check", { config });
    expect([response.status, await response.json()]).toMatchObject([422, { code, where }]);
  });

  it.each([
    [{ algorithm: { file: "/tmp/evil.ts" } }, "algorithm.file"],
    [{ model: { file: "evil.ts" } }, "model.file"],
    [{ model: { initialWeights: "/etc/passwd" } }, "model.initialWeights"],
    [{ data: { file: "evil.ts" } }, "data.file"],
    [{ data: { dataset: "module:/tmp/evil.ts" } }, "data.dataset"],
    [{ data: { dataset: "csv:/etc/passwd?label=x" } }, "data.dataset"],
    [{ data: { dataDir: "/etc" } }, "data.dataDir"],
  ])("refuses %j, which names files", async (config, where) => {
    for (const path of ["/api/check", "/api/started"]) {
      expect(await (await post(path, { config })).json()).toMatchObject({ code: "dashboard/files", where });
    }
    expect((await started()).state).toBe("none");
  });

  it("accepts what runs", async () => {
    expect(await (await post("/api/check", small(1))).json()).toEqual({ ok: true });
  });
});

describe("a run from the form", () => {
  it("runs in the folder, one at a time", async () => {
    const response = await post("/api/started", small(1));
    expect([response.status, await response.json()]).toMatchObject([201, { state: "starting", name: "from the page" }]);
    const second = await post("/api/started", small(1));
    expect([second.status, await second.json()]).toMatchObject([409, { code: "dashboard/busy" }]);
    await untilState("ended");
    const { folder, failure } = await started();
    const { runs } = await world.list();
    expect([failure, runs]).toMatchObject([
      null,
      [{ folder, name: "from the page", status: "finished", roundsDone: 1 }],
    ]);
  });

  it("is stopped after its round, and can be resumed", async () => {
    await post("/api/started", small(100_000));
    await untilState("running");
    expect(await (await post("/api/started/stop", {})).json()).toMatchObject({ state: "stopping" });
    await untilState("ended");
    expect(await world.list()).toMatchObject({
      runs: [{ status: "interrupted" }],
      started: { state: "ended", failure: null },
    });
  });

  it("that is stopped before it began leaves nothing", async () => {
    await post("/api/started", small(100_000));
    await post("/api/started/stop", {});
    await untilState("ended");
    expect((await started()).failure).toBeNull();
  });

  it("shows why it cannot run", async () => {
    await post("/api/started", small(1, { data: { dataset: "no-such-data" } }));
    await untilState("ended");
    expect(await started()).toMatchObject({ folder: null, failure: { code: "data/unknown" } });
  });

  it.each([
    ["another site's form", { "content-type": "text/plain" }, 415],
    ["another origin", { origin: "http://evil.example" }, 403],
    ["another site", { "sec-fetch-site": "cross-site" }, 403],
    ["no token", { authorization: "" }, 401],
  ])("is not started by %s", async (_, headers, status) => {
    expect((await post("/api/started", small(1), headers)).status).toBe(status);
    expect((await started()).state).toBe("none");
  });
});
