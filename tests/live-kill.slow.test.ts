import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunEvent, renderToml, resolveConfig } from "@anabranch/core";
import { simulate } from "@anabranch/node";
import { expect, it, onTestFinished } from "vitest";
import { type Spawned, startCommand } from "../packages/node/src/cli/testing/spawn-command.ts";

const CLIENTS = 3;
const config = resolveConfig({
  name: "killed",
  rounds: 8,
  data: { dataset: "fashion-mnist-10k", clients: CLIENTS, partition: { scheme: "iid" } },
  model: { name: "mlp", hidden: [16] },
  algorithm: { name: "scaffold" },
  training: { localSteps: 5, batchSize: 20, learningRate: 0.05 },
  sampler: { cohort: CLIENTS },
});

async function freePort(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return String(port);
}

async function eventsOf(folder: string): Promise<RunEvent[]> {
  const [run] = await readdir(join(folder, "runs"));
  const lines = (await readFile(join(folder, "runs", run!, "events.jsonl"), "utf8")).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as RunEvent);
}

it("the model is that of the simulation though server and clients are killed", { timeout: 900_000 }, async () => {
  const { modelHash } = await simulate(config, { workers: 0 });
  const folder = await mkdtemp(join(tmpdir(), "anabranch-live-"));
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
  const kill = async (command: Spawned) => {
    command.child.kill("SIGKILL");
    expect((await command.ended).code).toBe(137);
  };
  await writeFile(join(folder, "live.toml"), renderToml(config));
  const common = ["--port", await freePort(), "--json", "--task-timeout", "120"];
  let server = start("serve", "live.toml", ...common);
  const [opened] = (await server.shows('"serve.open"')).split("\n").filter((line) => line.includes('"serve.open"'));
  const link = (JSON.parse(opened!) as { joinLink: string }).joinLink;
  const joining = (client: number) =>
    start("join", link, "--client", String(client), "--folder", `client-${client}`, "--json");
  const clients = Array.from({ length: CLIENTS }, (_, client) => joining(client));
  for (const round of [2, 3, 5]) {
    await clients[round % CLIENTS]!.shows(`"order":"${round}/`);
    await kill(server);
    server = start("serve", "--resume", "last", ...common);
    await server.shows('"serve.open"');
  }
  for (const [client, round] of [
    [0, 6],
    [1, 7],
  ] as const) {
    await clients[client]!.shows(`"order":"${round}/`);
    await kill(clients[client]!);
    clients[client] = joining(client);
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
