import { readFile } from "node:fs/promises";
import { parseConfig, type RunEvent } from "@anabranch/core";
import { simulate } from "@anabranch/node";
import { describe, expect, it } from "vitest";
import { callCommand } from "../packages/node/src/cli/testing/call-command.ts";

describe("examples", () => {
  it("an own algorithm and an own model train on shipped data", async () => {
    const result = await simulate(
      {
        rounds: 3,
        data: { dataset: "fashion-mnist-10k", clients: 50, partition: { scheme: "iid" } },
        model: { file: "examples/own-model.ts", hidden: 32 },
        algorithm: { file: "examples/own-algorithm.ts", damping: 0.25 },
        training: { localEpochs: 1, batchSize: 20, learningRate: 0.1 },
        sampler: { cohort: 5 },
      },
      { workers: 0 },
    );
    expect(result.parameters.length).toBe(784 * 32 + 32 + 32 * 10 + 10);
    expect(result.history.at(-1)!.testAccuracy!).toBeGreaterThan(0.5);
  });

  it("an own data set trains a shipped model", async () => {
    const result = await simulate(
      {
        rounds: 10,
        data: { file: "examples/own-dataset.ts", clients: 10, partition: { scheme: "iid" } },
        model: { name: "mlp", hidden: [32, 32] },
        training: { localEpochs: 2, batchSize: 20, learningRate: 0.5 },
        sampler: { cohort: 10 },
      },
      { workers: 0 },
    );
    expect(result.history.at(-1)!.loss).toBeLessThan(result.history[0]!.loss);
  });

  it("the quickstart is a valid configuration", async () => {
    const file = new URL("quickstart.toml", import.meta.url);
    expect(parseConfig(await readFile(file, "utf8"), "quickstart.toml").rounds).toBe(30);
  });

  it("the robust rule learns, and reports its rule in every round", async () => {
    const config = parseConfig(await readFile(new URL("robust.toml", import.meta.url), "utf8"), "robust.toml");
    const rules: (string | undefined)[] = [];
    const onEvent = (event: RunEvent) => {
      if (event.type === "round.finished") rules.push(event.aggregation?.rule);
    };
    const { history } = await simulate({ ...config, rounds: 3 }, { workers: 0, onEvent });
    expect(rules).toEqual(["trimmed-mean", "trimmed-mean", "trimmed-mean"]);
    expect(history.at(-1)!.loss).toBeLessThan(history[0]!.loss);
  });

  it("nodes of MoDeST fail in the round in which most stop, and train on", async () => {
    const config = parseConfig(await readFile(new URL("modest.toml", import.meta.url), "utf8"), "modest.toml");
    const failed: number[] = [];
    const onEvent = (event: RunEvent) => {
      if (event.type === "client.failed") failed.push(event.round);
    };
    const { history } = await simulate({ ...config, rounds: 13 }, { workers: 0, onEvent });
    expect(failed.length).toBeGreaterThan(0);
    expect(new Set(failed)).toEqual(new Set([10]));
    expect(history.slice(10).map(({ clients }) => clients)).toEqual([10, 10, 10]);
    expect(history.at(-1)!.loss).toBeLessThan(history[0]!.loss);
  });

  it("compressed uploads take a small part of the bytes, and the model learns", async () => {
    const file = new URL("compressed.toml", import.meta.url);
    const config = { ...parseConfig(await readFile(file, "utf8"), "compressed.toml"), rounds: 4 };
    const measure = async (up: string[]) => {
      const run = await simulate({ ...config, compression: { ...config.compression, up } }, { workers: 0 });
      const bytes = run.history.reduce((sum, { bytesUp }) => sum + bytesUp, 0);
      return { bytes, loss: run.history.at(-1)!.loss, first: run.history[0]!.loss };
    };
    const compressed = await measure(config.compression.up);
    expect(compressed.loss).toBeLessThan(compressed.first);
    expect(compressed.bytes).toBeLessThan((await measure(["top-k density=1"])).bytes / 20);
  });

  it("a robust rule keeps attackers out, and the mean does not", async () => {
    const config = parseConfig(await readFile(new URL("attack.toml", import.meta.url), "utf8"), "attack.toml");
    const chosen = new Set<number>();
    const attackers: number[] = [];
    const onEvent = (event: RunEvent) => {
      if (event.type === "run.started") attackers.push(...event.attack!.attackers);
      if (event.type === "round.finished") for (const client of event.aggregation?.selected ?? []) chosen.add(client);
    };
    const robust = await simulate({ ...config, rounds: 3 }, { workers: 0, onEvent });
    expect(robust.history.at(-1)!.testAccuracy!).toBeGreaterThan(0.5);
    expect(attackers).toHaveLength(5);
    expect(attackers.filter((client) => chosen.has(client))).toEqual([]);
    const lost = await simulate({ ...config, rounds: 3, aggregation: {} }, { workers: 0 });
    expect(lost.history.at(-1)!.testAccuracy!).toBeLessThan(0.2);
  });

  it("asynchronous rounds reach an accuracy in less simulated time than synchronous ones", async () => {
    const config = parseConfig(
      await readFile(new URL("asynchronous.toml", import.meta.url), "utf8"),
      "asynchronous.toml",
    );
    const timeOf = async (name: string) => {
      let seconds = 0;
      const onEvent = (event: RunEvent) => {
        if (event.type === "round.finished") seconds = event.simulatedSeconds!;
      };
      const target = { ...config, algorithm: { name }, stop: { ...config.stop, targetAccuracy: 0.7 } };
      const { stopped } = await simulate(target, { workers: 0, onEvent });
      expect(stopped).toBe("early-stop");
      return seconds;
    };
    // measured: 7.5 s and 53 s
    expect(2 * (await timeOf("fedbuff"))).toBeLessThan(await timeOf("fedavg"));
  });

  it("the private run begins with the noise that its target asks for", async () => {
    const config = parseConfig(await readFile(new URL("private.toml", import.meta.url), "utf8"), "private.toml");
    const spent: (number | null)[] = [];
    let privacy = "";
    const onEvent = (event: RunEvent) => {
      if (event.type === "run.started") privacy = event.privacy!;
      if (event.type === "round.finished") spent.push(event.privacy!.epsilon);
      if (spent.length === 2) ending.abort();
    };
    const ending = new AbortController();
    await simulate(config, { workers: 0, onEvent, signal: ending.signal });
    expect(privacy).toMatch(/flat clip at 0.3; Gaussian noise of multiplier [0-9.]+,.*poisson sampling/);
    expect(spent.length).toBe(2);
    expect(0 < spent[0]! && spent[0]! <= spent[1]! && spent[1]! <= 8).toBe(true);
  });

  it("nodes without a server learn and agree the better the more often they mix", async () => {
    const file = new URL("decentralised.toml", import.meta.url);
    const config = parseConfig(await readFile(file, "utf8"), "decentralised.toml");
    const last = async (gossipSteps: number) => {
      let nodes: Extract<RunEvent, { type: "node.evaluation" }> | undefined;
      const onEvent = (event: RunEvent) => {
        if (event.type === "node.evaluation") nodes = event;
      };
      const algorithm = { ...config.algorithm, gossipSteps };
      await simulate({ ...config, rounds: 10, algorithm }, { workers: 0, onEvent });
      return nodes!;
    };
    const [once, often] = [await last(1), await last(4)];
    expect(often.mean!).toBeGreaterThan(once.mean!);
    expect(often.consensus!).toBeLessThan(once.consensus! / 1.5);
  });

  it("the sweep is checked and planned", async () => {
    const plan = ["examples/sweep.toml", "--plan", "--json", "--runs", "no-runs", "--workers", "0"];
    const { stdout } = await callCommand("sweep", ...plan);
    const planned = ["fedavg", "fedprox", "scaffold"].map((variant) => ({
      variant,
      runs: 4,
      tuningRuns: 2,
      complete: 0,
    }));
    expect(JSON.parse(stdout)).toMatchObject({ name: "quickstart", variants: planned });
  });
});
