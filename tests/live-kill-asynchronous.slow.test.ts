import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  memoryBlobStore,
  memoryClientStates,
  type RunEvent,
  renderToml,
  resolveConfig,
  runFederation,
} from "@anabranch/core";
import { expect, it, onTestFinished } from "vitest";
import { replayed } from "../packages/core/src/conformance/replayed-run.ts";
import { freePort } from "../packages/node/src/cli/testing/free-port.ts";
import { type Spawned, startCommand, startSignalled } from "../packages/node/src/cli/testing/spawn-command.ts";
import { openSimulation } from "../packages/node/src/run/simulation.ts";

const ROUNDS = 8;
const BUFFER = 2;
const config = resolveConfig({
  name: "killed",
  rounds: ROUNDS,
  data: { dataset: "fashion-mnist-10k", clients: 3, partition: { scheme: "iid" } },
  model: { name: "mlp", hidden: [16] },
  algorithm: { name: "fedbuff" },
  training: { localSteps: 5, batchSize: 20, learningRate: 0.05 },
  sampler: { cohort: 3 },
  schedule: { buffer: BUFFER, concurrency: 3 },
});

/** The model of a simulation in which the same updates arrive in the same order. */
async function replay(rounds: readonly (readonly [number, number, number][])[]): Promise<string> {
  const simulation = await openSimulation(config, "replay", { workers: 0 });
  try {
    const { backend, evaluator } = simulation;
    const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
    const { plan } = replayed(simulation, rounds);
    return (await runFederation(plan, { backend, evaluator, ...stores, emit: () => {} })).modelHash;
  } finally {
    await simulation.close();
  }
}

const title = "an asynchronous live run ends with the model of a replay though server and clients are killed";
it(title, { timeout: 900_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "anabranch-live-"));
  const started = new Set<Spawned>();
  onTestFinished(async () => {
    for (const { child } of started) child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });
  const keep = (command: Spawned) => {
    started.add(command);
    return command;
  };
  const startUntil = (at: string, ...args: string[]) => keep(startSignalled("SIGSTOP", at, folder, ...args));
  const killAt = async (command: Spawned, at: string) => {
    await command.shows(at);
    command.child.kill("SIGKILL");
    expect((await command.ended).code).toBe(137);
  };
  await writeFile(join(folder, "live.toml"), renderToml(config));
  const common = ["--port", await freePort(), "--json", "--task-timeout", "120"];
  const [first, ...moments] = ['"round":2,"cohort"', "round-00000003.safetensors", '"round":5,"cohort"'] as const;
  let server = startUntil(first, "serve", "live.toml", ...common);
  const [opened] = (await server.shows('"serve.open"')).split("\n").filter((line) => line.includes('"serve.open"'));
  const link = (JSON.parse(opened!) as { joinLink: string }).joinLink;
  const joining = (client: number) => ["join", link, "--client", `${client}`, "--folder", `client-${client}`, "--json"];
  const killed = ['"phase":"training"', '"phase":"uploading"'];
  const clients = killed.map((at, client) => startUntil(at, ...joining(client)));
  clients.push(keep(startCommand(folder, ...joining(2))));
  for (const [client, at] of killed.entries()) {
    await killAt(clients[client]!, at);
    clients[client] = keep(startCommand(folder, ...joining(client)));
  }
  const resume = ["serve", "--resume", "last", ...common];
  await killAt(server, first);
  for (const at of moments) {
    server = startUntil(at, ...resume);
    await killAt(server, at);
  }
  server = keep(startCommand(folder, ...resume));
  expect((await server.ended).code).toBe(0);
  for (const client of clients) expect((await client.ended).code).toBe(0);

  const [run] = (await readdir(join(folder, "runs"))).filter((name) => /^\d{8}-/.test(name));
  const lines = (await readFile(join(folder, "runs", run!, "events.jsonl"), "utf8")).trim().split("\n");
  const events = lines.map((line) => JSON.parse(line) as RunEvent);
  const rounds = events.flatMap((event) => (event.type === "round.finished" ? [event.updates!] : []));
  expect(rounds.map(({ length }) => length)).toEqual(Array(ROUNDS).fill(BUFFER));
  expect(new Set(rounds.flat().map(String)).size).toBe(ROUNDS * BUFFER); // none counts twice
  const stale = rounds.flatMap((updates, i) => updates.filter(([, version]) => version < i + 1));
  expect(stale.length).toBeGreaterThan(0);
  expect(events.at(-1)).toMatchObject({ type: "run.finished", modelHash: await replay(rounds) });
});
