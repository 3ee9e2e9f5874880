import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TestS3, testKey } from "../store/s3/testing/s3-server.ts";
import { callCommand } from "./testing/call-command.ts";
import { command, startCommand } from "./testing/spawn-command.ts";

let folder: string;
let s3: TestS3;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-blobs-"));
  await writeFile(join(folder, "trial.toml"), trial);
  s3 = await TestS3.open();
  vi.stubEnv("AWS_ACCESS_KEY_ID", testKey.accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", testKey.secretAccessKey);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await s3.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

const trial = `name = "trial"
rounds = 4
[data]
dataset = "fashion-mnist-10k"
clients = 2
[model]
name = "logistic"
[sampler]
cohort = 2
`;

async function serve(...args: string[]) {
  const server = startCommand(folder, "serve", ...args, "--runs", "live", "--json");
  const text = await server.shows('"fingerprint"');
  return {
    server,
    open: JSON.parse(text.split("\n")[0]!) as { run: string; folder: string; url: string; joinLink: string },
  };
}

const hashOf = (lines: Record<string, unknown>[]) => lines.at(-1)!["modelHash"];

describe("serve --blobs", () => {
  it("trains the model of a simulation over storage that fails at times, also after kill -9", async () => {
    let requests = 0;
    s3.fault = () => (++requests % 7 === 0 ? { status: 503, code: "SlowDown" } : undefined);
    const { server, open } = await serve("trial.toml", "--port", "0", "--blobs", s3.address());
    const clients = [0, 1].map((client) =>
      startCommand(folder, "join", open.joinLink, "--client", `${client}`, "--folder", `client-${client}`),
    );
    await server.shows("round-00000002.safetensors");
    server.child.kill("SIGKILL");
    await server.ended;
    const own = [...s3.objects.keys()];
    expect(own.length).toBeGreaterThan(0);
    expect(own.filter((key) => !key.startsWith(`runs/${open.run}/blobs/`))).toEqual([]);
    const orphan = `runs/${open.run}/blobs/${"0".repeat(64)}`;
    s3.objects.set(orphan, Buffer.from("left behind"));
    s3.objects.set("runs/other/blobs/x", Buffer.from("of another run"));

    const resume = ["--resume", "last", "--port", new URL(open.url).port];
    const refused = await callCommand("serve", "--resume", open.run, "--runs", join(folder, "live"), "--json");
    expect([refused.code, refused.stdout]).toEqual([2, expect.stringContaining("blob/other-place")]);
    const second = await serve(...resume, "--blobs", s3.address());
    expect(s3.objects.has(orphan)).toBe(false);
    const ended = await second.server.ended;
    expect(ended.code).toBe(0);
    expect((await Promise.all(clients.map((client) => client.ended))).map(({ code }) => code)).toEqual([0, 0]);
    expect(hashOf(ended.lines())).toBe(hashOf((await command(folder, "run", "trial.toml", "--json")).lines()));
    expect([...s3.objects.keys()]).toEqual(["runs/other/blobs/x"]);

    const written = [ended.stdout, ended.stderr, ...(await textsBelow(open.folder))].join("\n");
    for (const secret of [testKey.accessKeyId, testKey.secretAccessKey]) expect(written).not.toContain(secret);
    expect(written).toContain(`"blobs":"s3://bucket/runs/`);
  }, 180_000);

  it.each([
    ["a bucket that is missing", () => s3.address().replace("bucket", "other"), "1 blob/no-bucket"],
    ["another region", () => `${s3.address()}&region=eu-west-1`, "1 blob/region"],
    ["credentials in the address", () => "s3://key:topsecret@bucket/x?region=eu-west-1", "2 blob/address"],
  ])("refuses %s before there is a run", async (_what, address, code) => {
    expect(await refusal(address())).toBe(code);
  });

  it("refuses to begin without a key", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "");
    expect(await refusal(s3.address())).toBe("2 blob/credentials");
  });
});

async function refusal(address: string): Promise<string> {
  const { code, stdout, stderr } = await callCommand(
    ...["serve", join(folder, "trial.toml"), "--port", "0", "--blobs", address],
    ...["--runs", join(folder, "live"), "--json"],
  );
  expect(stdout + stderr).not.toContain("topsecret");
  expect(await readdir(join(folder, "live")).catch(() => [])).toEqual([]);
  const { error } = JSON.parse(stdout) as { error: { code: string; advice: string } };
  expect(error.advice).not.toBe("");
  return `${code} ${error.code}`;
}

async function textsBelow(path: string): Promise<string[]> {
  const files = (await readdir(path, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  return Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), "latin1")));
}
