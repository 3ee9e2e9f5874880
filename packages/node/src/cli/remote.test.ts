import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type HttpServer, listen } from "../server/http-server.ts";
import { writeOperatorFile } from "../server/operator.ts";
import { sha256 } from "../server/testing/fake-live.ts";
import { type TestSite, testSite } from "../server/testing/test-site.ts";
import { openTls } from "../server/tls.ts";
import { callCommand } from "./testing/call-command.ts";

let world: TestSite;
let server: HttpServer;
let url: string;
let elsewhere: string;
beforeEach(async () => {
  elsewhere = await mkdtemp(join(tmpdir(), "anabranch-elsewhere-"));
  world = await testSite({ openReading: false });
  server = await listen(world.site, { host: "127.0.0.1", port: 0 });
  url = `http://127.0.0.1:${server.port}`;
});
afterEach(async () => {
  await server.close();
  await world.remove();
  await rm(elsewhere, { recursive: true });
});

const call = (...args: string[]) => callCommand(...args, "--runs", elsewhere);

describe("status, pause, resume and stop", () => {
  it("act on the run of a server and show its state", async () => {
    const shown = await call("status", url, "--token", world.token);
    expect(shown.stderr).toBe("");
    expect(shown.stdout).toContain("a test (run run234): running, round 1 of 3");
    expect(shown.stdout).toContain("2 clients of 4 joined, 2 connected");
    expect(shown.stdout).toMatch(/0 {2}client 0 {2}training 50 % {2}1\/0\/0 /);
    expect((await call("pause", url, "--token", world.token, "--quiet")).stdout).toBe("paused\n");
    expect((await call("resume", url, "--token", world.token, "--quiet")).stdout).toBe("running\n");
    expect((await call("stop", url, "--token", world.token)).code).toBe(0);
    expect(world.stops.count).toBe(1);
    const { stdout } = await call("status", `${url}/join/run234#token=secret`, "--token", world.token, "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      run: "run234",
      state: "running",
      clients: [{ client: 0 }, { client: 1 }],
    });
  });

  it("need the operator's token, which the environment may have", async () => {
    for (const command of ["status", "pause", "stop"]) {
      const { code, stderr } = await call(command, url);
      expect([code, stderr]).toEqual([2, expect.stringContaining("operator/token")]);
    }
    process.env["ANABRANCH_OPERATOR_TOKEN"] = world.token;
    try {
      expect((await call("status", url)).code).toBe(0);
    } finally {
      delete process.env["ANABRANCH_OPERATOR_TOKEN"];
    }
  });

  it("take the token from the run's folder, for the address at which it is served alone", async () => {
    const { folder } = world.run.folder;
    Object.assign(world.run, { id: basename(folder) });
    Object.assign(world.site, { runs: new Map([[world.run.id, world.run]]) });
    const status = () => callCommand("status", url, "--runs", dirname(folder));
    await writeOperatorFile(world.run.folder, { token: world.token, origins: ["http://127.0.0.1:1"] });
    expect((await status()).stderr).toContain("operator/token");
    await writeOperatorFile(world.run.folder, { token: world.token, origins: [url] });
    expect((await status()).code).toBe(0);
  });

  it("trust a certificate by its fingerprint", async () => {
    await server.close();
    const tls = await openTls("self", ["127.0.0.1"]);
    server = await listen(world.site, { host: "127.0.0.1", port: 0, tls });
    const secure = `https://127.0.0.1:${server.port}`;
    const untrusted = await call("status", secure, "--token", world.token);
    expect(untrusted.stderr).toContain("live/certificate");
    const { code } = await call("status", secure, "--token", world.token, "--fingerprint", tls.fingerprint);
    expect(code).toBe(0);
  });

  it.each([
    [["status", "ftp://127.0.0.1"], "usage/server-url"],
    [["pause", "http://127.0.0.1:1"], "live/connection"],
    [["status", "http://no-such-host.invalid"], "live/connection"],
    [["resume", "last", "--token", "x"], "usage/option"],
  ])("say what is wrong with %j", async (args, error) => {
    const { code, stderr } = await call(...args);
    expect(code).not.toBe(0);
    expect(stderr).toContain(`error ${error}: `);
    expect(stderr).toContain("advice");
  });

  it("refuse answers that are not a status", async () => {
    world.live.status = () => JSON.parse('{"run": 7}');
    expect((await call("status", url, "--token", world.token)).stderr).toContain("live/protocol");
  });

  it("ask which run is meant where there are several", async () => {
    Object.assign(world.site, {
      runs: new Map([
        ["run234", world.run],
        ["other2", { ...world.run, id: "other2", name: "another" }],
      ]),
    });
    for (const command of ["pause", "resume", "stop", "tokens"]) {
      const { code, stderr } = await call(command, url, "--token", world.token);
      expect([code, stderr]).toEqual([4, expect.stringContaining("one of run234 (a test), other2 (another)")]);
    }
    const listed = await call("status", url, "--token", world.token);
    expect(listed.stdout).toContain(`other2  another  running  ${url}/runs/other2`);
    const { runs } = JSON.parse((await call("status", url, "--json")).stdout) as { runs: object[] };
    expect(runs).toContainEqual({ run: "run234", name: "a test", state: "running" });
    for (const named of [[url, "--run", "run234"], [url, "--run", "a test"], [`${url}/runs/run234`]]) {
      const { stdout } = await call("status", ...named, "--token", world.token);
      expect(stdout).toContain("a test (run run234)");
    }
    const none = await call("pause", url, "--run", "third", "--token", world.token);
    expect(none.stderr).toContain("the server has no such run");
  });
});

describe("tokens", () => {
  const hash = sha256("a-new-token");
  const tokens = (...args: string[]) => call("tokens", url, ...args, "--token", world.token);

  it("lists the join tokens with the clients that joined with each", async () => {
    const { stdout } = await tokens();
    expect(stdout).toMatch(new RegExp(`${hash.slice(0, 16)} +valid +never +1 client +clients 1\\n$`));
    expect(JSON.parse((await tokens("list", "--json")).stdout)).toEqual({
      run: "run234",
      tokens: [{ hash, expires: null, client: null, places: 1, revoked: false, clients: [1] }],
    });
  });

  it("adds one and prints what a member types", async () => {
    const link = "http://127.0.0.1:8080/join/run234#token=a-new-token";
    const { stdout } = await tokens("add", "--places", "1", "--ttl", "60", "--fingerprint", "0".repeat(64));
    expect(stdout).toContain(`anabranch join "${link}" --fingerprint ${"0".repeat(64)}\n`);
    expect(world.live.calls).toContain('token {"places":1,"expires":60}');
    const made = JSON.parse((await tokens("add", "--client", "2", "--json")).stdout) as object;
    expect(made).toMatchObject({ run: "run234", token: "a-new-token", joinLink: link, expires: null, client: 2 });
    expect((await tokens("add", "--quiet")).stdout).toBe(`${link}\n`);
  });

  it("revokes one by the beginning of its hash", async () => {
    expect((await tokens("revoke", hash.slice(0, 8))).code).toBe(0);
    expect(JSON.parse((await tokens("revoke", hash, "--json")).stdout)).toEqual({ run: "run234", revoked: hash });
    expect(world.live.calls.filter((each) => each === "revoke")).toHaveLength(2);
  });

  it.each([
    [["revoke"], "usage/missing-argument"],
    [["list", "abcdef"], "usage/missing-argument"],
    [["revoke", "ffff"], "operator/no-such-token"],
    [["revoke", ""], "operator/no-such-token"],
    [["list", "--places", "2"], "usage/option"],
    [["forget"], "usage/invalid-value"],
    [["add", "--places", "0"], "usage/invalid-value"],
  ])("refuses %j", async (args, error) => {
    const { code, stderr } = await tokens(...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`error ${error}: `)]);
    expect(world.live.calls).toEqual([]);
  });

  it("needs the operator's token", async () => {
    expect((await call("tokens", url)).stderr).toContain("operator/token");
  });
});

describe("doctor with the address of a server", () => {
  const results = async (...args: string[]) => {
    const { code, stdout } = await callCommand("doctor", ...args, "--json");
    const { checks } = JSON.parse(stdout) as { checks: { name: string; status: string; message: string }[] };
    return { code, checks, statuses: Object.fromEntries(checks.map(({ name, status }) => [name, status])) };
  };

  it("looks at what clients need", async () => {
    const { code, statuses } = await results(url);
    expect(code).toBe(0);
    expect(statuses).toEqual({
      ...{ server: "ok", certificate: "ok", clock: "ok", browsers: "ok", run: "ok" },
      "control connection": "warn", // the version of the test's server is another one
    });
    const text = await callCommand("doctor", url);
    expect(text.stdout).toContain("Clients can join this server from here (1 warning).");
  });

  it("names the certificate that is about to expire", async () => {
    await server.close();
    const tls = await openTls("self", ["127.0.0.1"], undefined, new Date(Date.now() - 20 * 86_400_000));
    server = await listen(world.site, { host: "127.0.0.1", port: 0, tls });
    const { statuses, checks } = await results(`https://127.0.0.1:${server.port}`, "--fingerprint", tls.fingerprint);
    expect(statuses["certificate"]).toBe("warn");
    expect(checks.find(({ name }) => name === "certificate")!.message).toBe("valid for 9 days");
  });

  it("shows all runs of a server, or the one of the address", async () => {
    const other = { ...world.run, id: "other2", name: "another" };
    Object.assign(world.site, { runs: new Map([world.run, other].map((run) => [run.id, run])) });
    const runOf = async (address: string) =>
      (await results(address)).checks.find(({ name }) => name === "run")!.message;
    expect(await runOf(url)).toBe("a test (run run234), running; another (run other2), running");
    expect(await runOf(`${url}/runs/other2`)).toBe("another (run other2), running");
    world.live.state = "failed";
    expect((await results(url)).statuses["run"]).toBe("warn");
  });

  it("ends after the first check where nothing answers", async () => {
    const { code, statuses } = await results("http://127.0.0.1:1");
    expect([code, statuses]).toEqual([1, { server: "fail" }]);
    const { stdout } = await callCommand("doctor", "https://no-such-host.invalid");
    expect(stdout).toContain("the server's host name");
    expect(stdout).not.toContain("certificate");
    expect(stdout).toContain("1 of 1 check failed");
  });
});
