import { chmod, mkdir, readdir, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stampEvent } from "@anabranch/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { exampleEvents } from "../store/example-events.ts";
import type { ComparedRuns } from "./compared-runs.ts";
import { linesOf, type TestDashboard, testDashboard } from "./testing/test-dashboard.ts";

let world: TestDashboard;
beforeEach(async () => {
  world = await testDashboard();
});
afterEach(() => world.close());

const list = () => world.list();

/** The data of an event stream up to a text. */
async function eventsUntil(path: string, text: string): Promise<string> {
  const response = await world.request(path);
  const decoder = new TextDecoder();
  let seen = "";
  for await (const part of response.body!) {
    seen += decoder.decode(part, { stream: true });
    if (seen.includes(text)) break;
  }
  return seen;
}

describe("the list of runs", () => {
  it("is empty where there is no folder, and makes none", async () => {
    expect(await list()).toMatchObject({ root: world.root, runs: [], pending: 0 });
    await expect(readdir(world.root)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("reports how far each run came, and what was not measured as null", async () => {
    await world.run("20260101-000000-first-abc234");
    await world.run(
      "20260102-000000-second-bcd345",
      linesOf(exampleEvents({ rounds: 1, cutOff: true, name: "second" })),
    );
    const { runs } = await list();
    const [first, second] = ["abc234", "bcd345"].map((id) => runs.find((run) => run.id === id));
    expect(first).toMatchObject({
      status: "finished",
      roundsDone: 2,
      roundsTotal: 2,
      finalAccuracy: 1 - 1 / 3,
      privacy: "",
    });
    // nobody writes it any more
    expect(second).toMatchObject({ name: "second", status: "interrupted", finalAccuracy: null });
  });

  it("follows a run as it is written, resumed and removed", async () => {
    const events = exampleEvents({ rounds: 3 });
    const folder = await world.run("a-run", linesOf(events.slice(0, 4)));
    expect((await list()).runs).toMatchObject([{ status: "interrupted", roundsDone: 1 }]);
    await world.run("a-run", linesOf(events));
    expect((await list()).runs).toMatchObject([{ status: "finished", roundsDone: 3 }]);
    await world.run(
      "a-run",
      linesOf([...events.slice(0, 4), ...exampleEvents({ rounds: 3, resumedFrom: 1, cutOff: true })]),
    );
    expect((await list()).runs).toMatchObject([{ status: "interrupted", roundsDone: 3 }]);
    await rm(folder, { recursive: true });
    expect((await list()).runs).toEqual([]);
  });

  it("shows epsilon in the words of the report, of all rounds that count", async () => {
    const privacy = { epsilon: 1.5, delta: 0.001, accountant: "rdp" };
    const [started, , finished] = exampleEvents({ rounds: 1, cutOff: true });
    const rounds = [1, 2].map((round) => ({ ...finished, round, privacy: { ...privacy, epsilon: 1.5 * round } }));
    await world.run("a-run", linesOf([started, ...rounds]));
    expect((await list()).runs).toMatchObject([{ privacy: "epsilon 3 at delta 0.001 (rdp)" }]);
    const resumed = { ...started, resumedFrom: 1, privacySpent: privacy };
    await world.run("b-run", linesOf([started, ...rounds, resumed]));
    expect((await list()).runs.find(({ folder }) => folder === "b-run")?.privacy).toBe(
      "epsilon 1.5 at delta 0.001 (rdp)",
    );
  });

  it("has every run though one is a link, one is damaged and one has a log of 5 GB", async () => {
    await world.run("good-run");
    const [linked, large, broken] = await Promise.all(
      ["linked", "large", "broken"].map((name) => world.run(`${name}-run`)),
    );
    await rm(join(linked!, "events.jsonl"));
    await symlink("/etc/hostname", join(linked!, "events.jsonl"));
    await truncate(join(large!, "events.jsonl"), 5 * 2 ** 30);
    await writeFile(
      join(broken!, "events.jsonl"),
      `not JSON\n{"v":1}\n${linesOf(exampleEvents({ rounds: 1 }))}{"v":1,"ty`,
    );
    await symlink(join(world.root, "good-run"), join(world.root, "link-run"));
    const { runs } = await list();
    const statuses = Object.fromEntries(runs.map(({ folder, status }) => [folder, status]));
    expect(statuses).toEqual({
      "good-run": "finished",
      "linked-run": "unreadable",
      "large-run": "unreadable",
      "broken-run": "finished",
    });
  });

  it("works in a folder that may not be written to", async () => {
    await world.run("a-run");
    await chmod(world.root, 0o500);
    expect((await list()).runs).toMatchObject([{ status: "finished" }]);
    await chmod(world.root, 0o700);
    expect(await readdir(world.root)).toEqual(["a-run"]);
  });

  it("reports a file in the place of the folder, and recovers", async () => {
    await writeFile(world.root, "");
    const response = await world.request("/api/runs");
    expect([response.status, await response.json()]).toMatchObject([422, { code: "store/not-a-folder" }]);
    await rm(world.root);
    await world.run("a-run");
    expect((await list()).runs).toHaveLength(1);
  });
});

describe("the events of a run", () => {
  it("come as they are written, and end where the log was cut", async () => {
    const events = exampleEvents({ rounds: 2 });
    await world.run("a-run", linesOf(events.slice(0, 2)));
    const response = await world.request("/api/runs/a-run/events");
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let seen = "";
    const until = async (text: string) => {
      while (!seen.includes(text)) {
        const { done, value } = await reader.read();
        if (done) return "ended";
        seen += value;
      }
      return text;
    };
    await until("round.started");
    await world.run("a-run", linesOf(events));
    await until("run.finished");
    await world.run("a-run", linesOf(events.slice(0, 1)));
    expect(await until("never")).toBe("ended");
  });

  it("hold what a log holds, whatever is in it", async () => {
    const message = '</script><img src=x onerror="alert(1)">';
    await world.run("a-run", `not JSON\n${linesOf([stampEvent({ type: "run.warning", code: "a/b", message })])}`);
    expect(await eventsUntil("/api/runs/a-run/events", "onerror")).toContain("data: not JSON\n\n");
  });

  it("are refused of a log that is too large for a page", async () => {
    const folder = await world.run("a-run");
    await truncate(join(folder, "events.jsonl"), 5 * 2 ** 30);
    const response = await world.request("/api/runs/a-run/events");
    expect([response.status, await response.json()]).toMatchObject([422, { code: "store/too-large" }]);
  });
});

describe("a request", () => {
  it.each(["/api/runs", "/api/runs/a-run", "/api/runs/a-run/events"])("for %s needs the token", async (path) => {
    await world.run("a-run");
    for (const authorization of ["", "Bearer wrong", "Basic YTpi"]) {
      const response = await world.request(path, { headers: { authorization } });
      expect([response.status, await response.json()]).toMatchObject([401, { code: "dashboard/token" }]);
    }
  });

  it.each([
    ["another host", { host: "evil.example:8090" }, 421],
    ["another port", { host: "127.0.0.1:8091" }, 421],
    ["another origin", { origin: "http://evil.example" }, 403],
    ["an opaque origin", { origin: "null" }, 403],
    ["another site", { "sec-fetch-site": "cross-site" }, 403],
    ["another port of this machine", { "sec-fetch-site": "same-site" }, 403],
  ])("from %s is refused", async (_, headers, status) => {
    expect((await world.request("/api/runs", { headers })).status).toBe(status);
  });

  it.each([
    "..",
    "%2e%2e",
    "..%2f..%2fetc",
    "a-run%2fcheckpoints",
    "..%5cruns",
    "%00",
    "none",
    "link-run",
    "file",
    "x".repeat(300),
  ])("for the run %s finds nothing", async (name) => {
    await world.run("a-run");
    await mkdir(join(world.root, "a-run", "checkpoints"));
    await symlink(join(world.root, "a-run"), join(world.root, "link-run"));
    await writeFile(join(world.root, "file"), "");
    expect((await world.request(`/api/runs/${name}`)).status).toBe(404);
    expect(world.faults).toEqual([]);
  });

  it("for a run with a link in it names the link", async () => {
    const folder = await world.run("a-run");
    await symlink("/etc/hostname", join(folder, "config.toml"));
    expect(await world.json("/api/runs/a-run")).toMatchObject({ code: "store/link" });
  });

  it("gets the page under a policy without scripts of others", async () => {
    const response = await world.request("/", { headers: { authorization: "" } });
    expect(await response.text()).toBe("the dashboard");
    expect(response.headers.get("content-security-policy")).toMatch(/default-src 'self'.*frame-ancestors 'none'/);
  });
});

describe("runs side by side", () => {
  const configured = async (name: string, seed: number, algorithm = "fedavg", rounds = 2) => {
    const [started, ...rest] = exampleEvents({ rounds, name });
    const folder = await world.run(name, linesOf([{ ...started, seed, algorithm }, ...rest]));
    const config = `name = "${name}"\nseed = ${seed}\n[algorithm]\nname = "${algorithm}"\n`;
    await writeFile(join(folder, "config.toml"), config);
  };

  it("share a row where only the seed differs, and have their curves and differences", async () => {
    await configured("a", 1);
    await configured("b", 2);
    await configured("c", 1, "scaffold", 4);
    const compared = await world.json("/api/comparison?run=a&run=b&run=c");
    expect(compared).toMatchObject({
      runs: [
        { folder: "a", label: "a", rounds: [1, 2], accuracy: [null, 1 - 1 / 3], trainLoss: [1, 0.5] },
        { folder: "b" },
        { folder: "c", rounds: [1, 2, 3, 4] },
      ],
    });
    const { table, differences } = compared as ComparedRuns;
    expect(table.rows.map((row) => row.slice(0, 3))).toEqual([
      ["a", "1 2", "66.67 ± 0.00 %"],
      ["c", "1", "80.00 %"],
    ]);
    expect(differences).toContainEqual({ key: "algorithm.name", values: ['"fedavg"', '"fedavg"', '"scaffold"'] });
  });

  it("may be live runs, whose tokens stay in their folders", async () => {
    await configured("a", 1);
    await configured("live", 2);
    const folder = join(world.root, "live");
    for (const name of ["operator-token", "ledger.sqlite", "server.log"]) await writeFile(join(folder, name), "secret");
    await mkdir(join(folder, "uploads"));
    for (const path of ["/api/runs", "/api/runs/live", "/api/comparison?run=a&run=live"]) {
      const text = await (await world.request(path)).text();
      expect(text).toContain("live");
      expect(text).not.toContain("secret");
    }
  });

  it("are 1 to 6 that are there", async () => {
    await configured("a", 1);
    expect((await world.request("/api/comparison")).status).toBe(400);
    expect((await world.request(`/api/comparison?${"run=a&".repeat(7)}`)).status).toBe(400);
    expect((await world.request("/api/comparison?run=a&run=..%2Fa")).status).toBe(404);
  });
});

describe("a report", () => {
  const reportPath = async (api: string) => `/${((await world.json(api)) as { report: string }).report}`;

  it("opens with its own address alone, and can do nothing but draw its charts", async () => {
    await world.run("a-run", linesOf(exampleEvents({ rounds: 2, name: "<script>alert(1)</script>" })));
    const path = await reportPath("/api/runs/a-run");
    const response = await world.request(path, { headers: { authorization: "" } });
    const html = await response.text();
    expect(html).toContain("Anabranch report");
    expect(html).not.toContain("<script>alert");
    const policy = response.headers.get("content-security-policy")!;
    expect(policy).toMatch(/^default-src 'none'.* script-src 'sha256-[^ ']+';.*sandbox allow-scripts$/);
  });

  it("of other runs, or with another key, is not found", async () => {
    await world.run("a-run");
    await world.run("b-run");
    const path = await reportPath("/api/runs/a-run");
    for (const other of [
      path.replace("a-run", "b-run"),
      `${path}&run=b-run`,
      path.replace(/key=.*/, "key=x"),
      "/report",
    ]) {
      expect((await world.request(other)).status).toBe(404);
    }
  });

  it("of several runs is that of a comparison", async () => {
    await world.run("a-run");
    await world.run("b-run");
    const html = await (await world.request(await reportPath("/api/comparison?run=a-run&run=b-run"))).text();
    expect(html).toContain("Comparison of 2 runs");
  });
});
