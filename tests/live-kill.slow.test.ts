import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConfigInput, type RunEvent, renderToml, resolveConfig } from "@anabranch/core";
import { simulate } from "@anabranch/node";
import { expect, it, onTestFinished } from "vitest";
import { freePort } from "../packages/node/src/cli/testing/free-port.ts";
import { type Spawned, startCommand, startSignalled } from "../packages/node/src/cli/testing/spawn-command.ts";

const CLIENTS = 3;
const configOf = (more: ConfigInput) =>
  resolveConfig({
    name: "killed",
    rounds: 8,
    data: { dataset: "fashion-mnist-10k", clients: CLIENTS, partition: { scheme: "iid" } },
    model: { name: "mlp", hidden: [16] },
    training: { localSteps: 5, batchSize: 20, learningRate: 0.05 },
    sampler: { cohort: CLIENTS },
    ...more,
  });
const runs = [
  ["plain", configOf({ algorithm: { name: "scaffold" } })],
  ["under secure aggregation", configOf({ secureAggregation: { protocol: "bonawitz" } })],
] as const;

async function eventsOf(folder: string): Promise<RunEvent[]> {
  const [run] = await readdir(join(folder, "runs"));
  const lines = (await readFile(join(folder, "runs", run!, "events.jsonl"), "utf8")).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as RunEvent);
}

const title = "%s, the model is that of the simulation though server and clients are killed";
it.each(runs)(title, { timeout: 900_000 }, async (_name, config) => {
  const { modelHash } = await simulate(config, { workers: 0 });
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
  /** A command that stops itself when it prints a text, so that it is killed there and not later. */
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
  const killed = [0, 1].map((client) => ({ client, at: `"order":"${6 + client}/${client}/0","phase":"training"` }));
  const clients = killed.map(({ client, at }) => startUntil(at, ...joining(client)));
  clients.push(keep(startCommand(folder, ...joining(2))));
  const resume = ["serve", "--resume", "last", ...common];
  await killAt(server, first);
  for (const at of moments) {
    server = startUntil(at, ...resume);
    await killAt(server, at);
  }
  server = keep(startCommand(folder, ...resume));
  for (const { client, at } of killed) {
    await killAt(clients[client]!, at);
    clients[client] = keep(startCommand(folder, ...joining(client)));
  }
  expect((await server.ended).code).toBe(0);
  for (const client of clients) expect((await client.ended).code).toBe(0);
  const events = await eventsOf(folder);
  const rounds = events.filter((event) => event.type === "round.finished");
  expect(rounds.map(({ round, clients: count }) => [round, count])).toEqual(
    [1, 2, 3, 4, 5, 6, 7, 8].map((r) => [r, CLIENTS]),
  );
  expect(events.at(-1)).toMatchObject({ type: "run.finished", modelHash });
});
