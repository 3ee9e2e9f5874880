import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Config, renderToml, resolveConfig } from "@anabranch/core";
import { simulate } from "@anabranch/node";
import { expect, it, onTestFinished } from "vitest";
import { freePort } from "../packages/node/src/cli/testing/free-port.ts";
import { type Spawned, startCommand } from "../packages/node/src/cli/testing/spawn-command.ts";

const CLIENTS = 2;
const configOf = (name: string, algorithm: string, seed: number) =>
  resolveConfig({
    name,
    seed,
    rounds: 8,
    data: { dataset: "fashion-mnist-10k", clients: CLIENTS, partition: { scheme: "iid" } },
    model: { name: "mlp", hidden: [16] },
    algorithm: { name: algorithm },
    training: { localSteps: 5, batchSize: 20, learningRate: 0.05 },
    sampler: { cohort: CLIENTS },
  });
const configs = [configOf("north", "scaffold", 1), configOf("south", "fedavg", 2)];

interface Line {
  readonly type: string;
  readonly run: string;
  readonly name?: string;
  readonly joinLink?: string;
  readonly modelHash?: string;
}

const title = "two runs of one server end with the models of their simulations though the server is killed";
it(title, { timeout: 600_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "anabranch-several-"));
  const started = new Set<Spawned>();
  onTestFinished(async () => {
    for (const { child } of started) child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });
  const start = (...args: string[]) => {
    const command = startCommand(folder, ...args);
    started.add(command);
    return command;
  };
  for (const config of configs) await writeFile(join(folder, `${config.name}.toml`), renderToml(config));
  const common = ["--port", await freePort(), "--json", "--task-timeout", "120"];
  const first = start("serve", "north.toml", "south.toml", ...common);
  let text = "";
  first.child.stdout?.on("data", (chunk: string) => {
    text += chunk;
  });
  const openOf = async ({ name }: Config) => {
    const complete = () => text.split("\n").slice(0, -1);
    const find = () => complete().find((line) => line.includes(`"name":"${name}","folder"`));
    await expect.poll(find, { timeout: 60_000 }).toBeDefined();
    return JSON.parse(find()!) as Line;
  };
  const doors = await Promise.all(configs.map(openOf));
  const clients = doors.flatMap(({ run, joinLink }) =>
    [0, 1].map((client) => start("join", joinLink!, "--client", `${client}`, "--folder", `${run}-${client}`)),
  );
  // both are in the middle of their training
  for (const { run } of doors) await first.shows(`"run":"${run}","v":1,"type":"checkpoint.saved"`);
  first.child.kill("SIGKILL");
  await first.ended;
  const resumed = start("serve", "--resume", doors[0]!.run, "--resume", doors[1]!.run, ...common);
  const { code, stdout } = await resumed.ended;
  expect(code).toBe(0);
  for (const client of clients) expect((await client.ended).code).toBe(0);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
  for (const [i, config] of configs.entries()) {
    const { modelHash } = await simulate(config, { workers: 0 });
    const { run } = doors[i]!;
    expect(lines.find((line) => line.type === "result" && line.run === run)?.modelHash).toBe(modelHash);
  }
});
