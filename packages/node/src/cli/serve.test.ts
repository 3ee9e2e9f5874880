import { once } from "node:events";
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { callCommand } from "./testing/call-command.ts";
import { type Spawned, startCommand } from "./testing/spawn-command.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-serve-"));
  await writeFile(join(folder, "trial.toml"), trial(3));
});
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

const trial = (rounds: number) => `name = "trial"
rounds = ${rounds}
[data]
dataset = "fashion-mnist-10k"
clients = 2
[model]
name = "logistic"
[sampler]
cohort = 2
`;

interface Open {
  readonly run: string;
  readonly folder: string;
  readonly url: string;
  readonly joinLink: string;
  readonly operatorToken: string;
}

/** Starts `serve --json` and waits until clients can join. */
async function serve(...args: string[]): Promise<{ readonly server: Spawned; readonly open: Open }> {
  const server = startCommand(folder, "serve", ...args, "--json");
  let text = "";
  server.child.stdout?.on("data", (chunk: string) => {
    text += chunk;
  });
  await server.shows("serve.open");
  await expect.poll(() => text).toContain("\n");
  return { server, open: JSON.parse(text.slice(0, text.indexOf("\n"))) as Open };
}

const joinAs = (client: number, { joinLink }: Open) =>
  startCommand(folder, "join", joinLink, "--client", String(client), "--folder", join(folder, `client-${client}`));

const hashOf = (lines: Record<string, unknown>[]) => lines.at(-1)!["modelHash"];

/** Of a simulation, in this process. */
async function expectedHash(rounds: number): Promise<unknown> {
  const set = ["--set", `rounds=${rounds}`, "--workers", "0", "--runs", join(folder, "simulated")];
  const { stdout } = await callCommand("run", join(folder, "trial.toml"), ...set, "--json");
  return JSON.parse(stdout.trim().split("\n").at(-1)!)["modelHash"];
}

describe("serve", () => {
  it("and two joins train the model of a simulation, and end", { timeout: 120_000 }, async () => {
    const { server, open } = await serve("trial.toml", "--port", "0", "--runs", "live");
    const clients = [joinAs(0, open), joinAs(1, open)];
    const ended = await server.ended;
    expect([ended.code, ended.stderr]).toEqual([0, expect.stringContaining("2 of 2 clients joined.")]);
    expect((await Promise.all(clients.map((client) => client.ended))).map(({ code }) => code)).toEqual([0, 0]);
    expect(hashOf(ended.lines())).toBe(await expectedHash(3));
    expect((await stat(open.folder)).mode & 0o077).toBe(0); // updates are not for other users of the machine
    const files = await readdir(open.folder);
    expect(files).toEqual(expect.arrayContaining(["model.safetensors", "report.html", "events.jsonl", "server.log"]));
    const log = await readFile(join(open.folder, "server.log"), "utf8");
    const token = new URL(open.joinLink).hash.slice("#token=".length);
    for (const secret of [token, open.operatorToken]) expect(log).not.toContain(secret);
  });

  it("is continued after kill -9 at the same port, with the same model", { timeout: 180_000 }, async () => {
    const first = await serve("trial.toml", "--set", "rounds=8", "--port", "0", "--runs", "live");
    const clients = [joinAs(0, first.open), joinAs(1, first.open)];
    await first.server.shows("round-00000003.safetensors");
    first.server.child.kill("SIGKILL");
    await first.server.ended;
    const simulated = await callCommand("resume", first.open.run, "--runs", join(folder, "live"), "--json");
    expect([simulated.code, simulated.stdout]).toEqual([2, expect.stringContaining("serve --resume")]);
    const port = new URL(first.open.url).port;
    const { server } = await serve("--resume", "last", "--port", port, "--runs", "live");
    const ended = await server.ended;
    expect(ended.code).toBe(0);
    expect((await Promise.all(clients.map((client) => client.ended))).map(({ code }) => code)).toEqual([0, 0]);
    expect(hashOf(ended.lines())).toBe(await expectedHash(8));
    // it has nothing left to train, so it waits for nobody
    const finished = await callCommand("serve", "--resume", "last", "--port", "0", "--runs", join(folder, "live"));
    expect([finished.code, finished.stderr]).toEqual([0, expect.stringContaining("already finished")]);
  });

  it("keeps the number of --clients, unless another one is given", { timeout: 60_000 }, async () => {
    const waiting = async (...args: string[]) => {
      const server = startCommand(folder, "serve", ...args, "--port", "0", "--runs", "live");
      const text = await server.shows("Waiting for");
      server.child.kill("SIGKILL");
      await server.ended;
      return /Waiting for \d+ clients?\./.exec(text)?.[0];
    };
    expect(await waiting("trial.toml", "--clients", "1")).toBe("Waiting for 1 client.");
    expect(await waiting("--resume", "last")).toBe("Waiting for 1 client.");
    expect(await waiting("--resume", "last", "--clients", "2")).toBe("Waiting for 2 clients.");
    expect(await waiting("--resume", "last")).toBe("Waiting for 2 clients.");
    const twice = await callCommand("serve", "--resume", "last", "--resume", "last", "--runs", join(folder, "live"));
    expect([twice.code, twice.stderr]).toEqual([2, expect.stringContaining("usage/conflict")]);
    const [run = ""] = (await readdir(join(folder, "live"))).filter((name) => name.includes("trial"));
    await cp(join(folder, "live", run), join(folder, "copies", run), { recursive: true });
    const both = ["live", "copies"].flatMap((place) => ["--resume", join(folder, place, run)]);
    const copied = await callCommand("serve", ...both, "--port", "0", "--runs", join(folder, "live"));
    expect([copied.code, copied.stderr]).toEqual([2, expect.stringContaining("usage/conflict")]);
  });

  it("is stopped by Ctrl-C while it waits, and says how to continue", { timeout: 60_000 }, async () => {
    const { server, open } = await serve("trial.toml", "--port", "0", "--runs", "live");
    server.child.kill("SIGINT");
    const { code, stdout } = await server.ended;
    expect(code).toBe(130);
    expect(stdout).toContain("run/interrupted");
    expect(stdout).toContain(`anabranch serve --resume ${open.run}`);
  });
});

describe("serve with several files", () => {
  const alone = (name: string) => trial(2).replace('"trial"', `"${name}"`).replaceAll("= 2\n", "= 1\n");

  it("names the run of each line, and ends with 1 when one has failed", { timeout: 120_000 }, async () => {
    await writeFile(join(folder, "good.toml"), alone("good"));
    await writeFile(join(folder, "bad.toml"), alone("bad").replace("fashion-mnist-10k", "csv:missing.csv?label=x"));
    const server = startCommand(folder, "serve", "good.toml", "bad.toml", "--port", "0", "--runs", "live");
    await server.shows("error data/");
    const text = await server.shows("Waiting for 1 client.");
    const joinLink = /join link\s+(\S+)/.exec(text)![1]!;
    const client = startCommand(folder, "join", joinLink, "--client", "0");
    const { code, stdout, stderr } = await server.ended;
    expect(code).toBe(1);
    expect((await client.ended).code).toBe(0);
    const run = new URL(joinLink).pathname.split("/").at(-1);
    expect(stdout).toContain(`Serving good (run ${run}) at ${new URL(joinLink).origin}/runs/${run}`);
    expect(stdout).toMatch(new RegExp(`^\\[good ${run}\\] round 1/1 `, "m"));
    expect(stderr).toContain("[bad] error data/");
    expect(stderr).toContain(`[good ${run}] 1 of 1 client joined.`);
  });
});

/** Client-level privacy that a live run can keep. */
const privateArgs = [
  ...["algorithm.name=dp-fedavg", "privacy.mechanism=gaussian", "privacy.noiseMultiplier=1", "privacy.delta=0.1"],
  ...["training.localSteps=2"],
].flatMap((value) => ["--set", value]);
/** Noise of the clients themselves. */
const noisedArgs = [
  ...["algorithm.name=dp-fedavg", "privacy.mechanism=discrete-gaussian", "privacy.noiseMultiplier=1"],
  ...["privacy.delta=1e-3", "privacy.minimumSurvivors=2", "secureAggregation.protocol=bonawitz"],
].flatMap((value) => ["--set", value]);
/** Of single examples, whose fewest the server cannot know. */
const recordArgs = [
  ...["algorithm.name=diff2", "algorithm.protects=records", "sampler.name=uniform", "sampler.cohort=2"],
  ...[
    "training.batchSize=1",
    "training.localEpochs=1",
    "training.localSteps=",
    "privacy.delta=1e-5",
    "data.partition.scheme=iid",
  ],
].flatMap((value) => ["--set", value]);

describe("serve refuses", () => {
  const codeOf = async (...args: string[]) => {
    const { code, stdout } = await callCommand("serve", ...args, "--runs", join(folder, "live"), "--json");
    const { error } = JSON.parse(stdout) as { error: { code: string; advice?: string } };
    expect(error.advice).not.toBe("");
    expect(await readdir(join(folder, "live")).catch(() => [])).toEqual([]); // no run is left behind
    return `${code} ${error.code}`;
  };

  it("a port that is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    expect(await codeOf(join(folder, "trial.toml"), "--port", String(port))).toBe("1 server/port-taken");
    other.close();
  });

  it.each([
    [["--host", "0.0.0.0"], "1 server/insecure"],
    [["--host", "no-such-host.invalid", "--insecure"], "1 server/host"],
    [["--tls-cert", "cert.pem"], "2 usage/conflict"],
    [["--tls", "self", "--tls-key", "key.pem"], "2 usage/conflict"],
    [["--tls", "other"], "2 usage/invalid-value"],
    [["--tls-cert", "no.pem", "--tls-key", "no.pem"], "1 tls/unreadable"],
    [["--port", "70000"], "2 usage/invalid-value"],
    [["--public-url", "example.org"], "2 usage/invalid-value"],
    [["--resume", "last"], "4 run/not-found"],
    [["--clients", "3", "--port", "0"], "2 live/minimum-clients"],
    [["--set", "privacy.mechanism=gaussian", "--set", "privacy.noise=local", "--port", "0"], "2 live/not-yet"],
    [["--set", "secureAggregation.protocol=plain", "--port", "0"], "2 live/not-yet"],
    [["--set", "secureAggregation.protocol=bonawitz", "--set", "checkpoint.every=2", "--port", "0"], "2 live/not-yet"],
    [[...privateArgs, "--set", "checkpoint.every=2", "--port", "0"], "2 live/not-yet"],
    [
      [...privateArgs, "--set", "data.holdout=0.2", "--set", "evaluation.clientEvery=1", "--port", "0"],
      "2 live/not-yet",
    ],
    [[...privateArgs, ...recordArgs, "--port", "0"], "2 live/not-yet"],
    [[...noisedArgs, "--port", "0"], "2 live/not-yet"],
    [[...noisedArgs, "--set", "training.localSteps=2", "--clients", "1", "--port", "0"], "2 live/minimum-clients"],
    [
      ["secureAggregation.protocol=bonawitz", "data.holdout=0.2", "evaluation.clientEvery=1"]
        .flatMap((value) => ["--set", value])
        .concat("--port", "0"),
      "2 live/not-yet",
    ],
    [["--set", "data.dataset=no-such-set", "--port", "0"], "3 data/unknown"],
  ])("%j", async (args, code) => {
    expect(await codeOf(join(folder, "trial.toml"), ...args)).toBe(code);
  });

  it("to count the owners in data that it does not have", async () => {
    await writeFile(join(folder, "owners.toml"), trial(3).replace("clients = 2", 'partition = { scheme = "natural" }'));
    expect(await codeOf(join(folder, "owners.toml"))).toBe("2 config/conflict");
  });

  it("to start nothing, or to change a run that it resumes", async () => {
    expect(await codeOf()).toBe("2 usage/missing-argument");
    expect(await codeOf("--resume", "last", "--set", "rounds=2")).toBe("2 usage/conflict");
  });
});
