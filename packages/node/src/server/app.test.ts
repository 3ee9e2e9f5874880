import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createApp } from "./app.ts";
import type { ErrorBody } from "./http-error.ts";
import { documentedRoutes } from "./openapi.ts";
import { RateLimit } from "./rate-limit.ts";
import { sha256 } from "./testing/fake-live.ts";
import { asClient, localPeer, type TestSite, testSite } from "./testing/test-site.ts";

let world: TestSite;
beforeEach(async () => {
  world = await testSite();
});
afterEach(() => world.remove());

const run = "/api/runs/run234";
const operator = () => ({ authorization: `Bearer ${world.token}` });
const codeOf = async (response: Response) => `${response.status} ${((await response.json()) as ErrorBody).code}`;

describe("every answer", () => {
  it.each([
    "/",
    "/healthz",
    `${run}/status`,
    "/nothing",
    "/join/run234",
  ])("of %s has the security headers", async (path) => {
    const { headers } = await world.request(path);
    expect(headers.get("content-security-policy")).toContain("default-src 'self'");
    expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
    expect(headers.get("cross-origin-embedder-policy")).toBe("require-corp");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
  });

  it("allows WebAssembly to the page of browser clients alone", async () => {
    const policyOf = async (path: string) => (await world.request(path)).headers.get("content-security-policy");
    expect(await policyOf("/join/run234")).toContain("wasm-unsafe-eval");
    expect(await policyOf("/")).not.toContain("wasm-unsafe-eval");
  });

  it("that refuses is JSON with a code, and an unexpected error reveals nothing of the machine", async () => {
    expect(await codeOf(await world.request("/nothing"))).toBe("404 http/not-found");
    world.live.status = () => {
      throw new Error("a secret path");
    };
    const response = await world.request(`${run}/status`);
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(text).not.toContain("secret");
    expect(JSON.parse(text)).toMatchObject({ code: "internal" });
  });
});

describe("the list of runs", () => {
  const namesFor = async (site: TestSite, headers = {}) =>
    ((await (await site.request("/api/runs", { headers })).json()) as { runs: { name: string }[] }).runs[0]!.name;

  it("has the name of a private run for its operator alone", async () => {
    expect(await namesFor(world)).toBe("a test");
    const hidden = await testSite({}, { isPrivate: true });
    try {
      expect(await namesFor(hidden)).toBe("");
      expect(await namesFor(hidden, { authorization: "Bearer wrong" })).toBe("");
      expect(await namesFor(hidden, { authorization: `Bearer ${hidden.token}` })).toBe("a test");
    } finally {
      await hidden.remove();
    }
  });
});

describe("the Host header", () => {
  it.each(["127.0.0.1:8080", "localhost:8080", "[::1]:8080"])("%s is this machine", async (host) => {
    expect((await world.request("/healthz", { headers: { host } })).status).toBe(200);
  });

  it.each([
    "evil.example",
    "evil.example:8080",
    "127.0.0.1.evil.example",
    "192.0.2.1:8080",
    "127.0.0.1:9090",
    "127.0.0.1",
    "",
    "a b",
    "x@127.0.0.1",
  ])('"%s" is refused: a page or somebody in the middle could lead here', async (host) => {
    expect(await codeOf(await world.request("/healthz", { headers: { host } }))).toBe("421 http/host");
  });

  it("may be the address at which the connection arrived, and no other of that network", async () => {
    const peer = { address: "192.0.2.9", local: "192.0.2.1", port: 8080, encrypted: false };
    const status = async (host: string) => (await world.request("/healthz", { headers: { host }, peer })).status;
    expect([await status("192.0.2.1:8080"), await status("192.0.2.2:8080"), await status("localhost:8080")]).toEqual([
      200, 421, 421,
    ]);
  });

  it("may be that of --public-url", async () => {
    const { request, remove } = await testSite({
      addresses: { host: "127.0.0.1", publicUrl: "https://federation.example.org" },
    });
    expect((await request("/healthz", { headers: { host: "federation.example.org" } })).status).toBe(200);
    await remove();
  });
});

describe("pages of other sites", () => {
  it.each([
    { origin: "http://evil.example" },
    { origin: "null" },
    { "sec-fetch-site": "cross-site" },
  ])("are refused (%j)", async (headers) => {
    expect(await codeOf(await world.request(`${run}/status`, { headers }))).toBe("403 http/origin");
  });

  it("may link to a page, and the own page may read", async () => {
    expect((await world.request("/", { headers: { "sec-fetch-site": "cross-site" } })).status).toBe(200);
    const own = { origin: "http://127.0.0.1:8080", "sec-fetch-site": "same-origin" };
    expect((await world.request(`${run}/status`, { headers: own })).status).toBe(200);
  });
});

describe("rates", () => {
  it("are limited by address, with the time to wait", async () => {
    const address = new RateLimit({ burst: 3, perSecond: 1 });
    const { request, remove } = await testSite({ limits: { ...world.site.limits, address } });
    const statuses: number[] = [];
    for (let i = 0; i < 4; i++) statuses.push((await request("/healthz")).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    const refused = await request("/healthz");
    expect(refused.headers.get("retry-after")).toBe("1");
    expect((await request("/healthz", { peer: { ...localPeer, address: "127.0.0.2" } })).status).toBe(200);
    await remove();
  });

  it("are limited by session", async () => {
    const session = new RateLimit({ burst: 1, perSecond: 1 });
    const { request, remove } = await testSite({ limits: { ...world.site.limits, session } });
    const fetchAs = async (client: number) =>
      (await request(`${run}/blobs/${sha256("x")}`, { headers: asClient(client) })).status;
    expect([await fetchAs(0), await fetchAs(0), await fetchAs(1)]).toEqual([404, 429, 404]);
    await remove();
  });
});

describe("the operator's routes", () => {
  const posts = ["pause", "resume", "stop", "clients/1/eject", "clients/1/readmit", "tokens"];

  it.each(posts)("refuse %s without the token, and with another", async (action) => {
    const tokens = [{}, { authorization: "Bearer wrong" }, { authorization: world.token }, asClient(0)];
    for (const headers of tokens) {
      expect(await codeOf(await world.request(`${run}/${action}`, { method: "POST", headers }))).toBe(
        "401 operator/token",
      );
    }
    expect(world.live.calls).toEqual([]);
    expect(world.live.state).toBe("running");
    expect(world.stops.count).toBe(0);
  });

  it("pause, resume and stop", async () => {
    const post = async (action: string) => {
      const response = await world.request(`${run}/${action}`, { method: "POST", headers: operator() });
      return ((await response.json()) as { state: string }).state;
    };
    expect(await post("pause")).toBe("paused");
    expect(await post("resume")).toBe("running");
    await post("stop");
    expect(world.stops.count).toBe(1);
  });

  it.each(["-1", "1.5", "99", "1e1", "%2e%2e", "0x1"])("know no client %s", async (client) => {
    const response = await world.request(`${run}/clients/${client}/eject`, { method: "POST", headers: operator() });
    expect(response.status).toBe(404);
  });

  it("make and revoke join tokens", async () => {
    const made = await world.request(`${run}/tokens`, {
      method: "POST",
      headers: { ...operator(), "content-type": "application/json" },
      body: JSON.stringify({ ttlSeconds: 60 }),
    });
    expect(made.status).toBe(201);
    expect(await made.json()).toMatchObject({ token: "a-new-token" });
    const listed = await world.request(`${run}/tokens`, { headers: operator() });
    const about = { expires: null, client: null, places: 1, revoked: false, clients: [1] };
    expect(await listed.json()).toEqual({ tokens: [{ hash: sha256("a-new-token"), ...about }] });
    const revoke = (hash: string) => world.request(`${run}/tokens/${hash}`, { method: "DELETE", headers: operator() });
    expect((await revoke(sha256("a-new-token"))).status).toBe(200);
    expect((await revoke(sha256("another"))).status).toBe(404);
    expect((await revoke("..")).status).toBe(404);
  });

  it.each([
    ["{", "application/json", "400 http/invalid"],
    ['{"ttlSeconds":0}', "application/json", "400 http/invalid"],
    ['{"evil":1}', "application/json", "400 http/invalid"],
    ["ttlSeconds=1", "application/x-www-form-urlencoded", "415 http/media-type"],
    ['{"ttlSeconds":1}', "text/plain", "415 http/media-type"],
    [" ".repeat(70_000), "application/json", "413 http/too-large"],
  ])("refuse the body %#", async (body, type, code) => {
    const headers = { ...operator(), "content-type": type };
    expect(await codeOf(await world.request(`${run}/tokens`, { method: "POST", headers, body }))).toBe(code);
  });

  it("keep the token in a file that only this user can read", async () => {
    const path = join(world.run.folder.folder, "operator-token");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await readFile(path, "utf8")).trim()).toBe(world.token);
  });
});

describe("watching", () => {
  it("needs the operator's token where other machines reach the server", async () => {
    const { request, token, remove } = await testSite({ openReading: false });
    for (const path of [`${run}/status`, `${run}/events`, "/metrics"]) {
      expect(await codeOf(await request(path))).toBe("401 operator/token");
      const response = await request(path, { headers: { authorization: `Bearer ${token}` } });
      expect(response.status).toBe(200);
      await response.body?.cancel();
    }
    await remove();
  });

  it("shows metrics, with a series per state and none per client", async () => {
    const text = await (await world.request("/metrics")).text();
    expect(text).toContain('anabranch_clients{run="run234",state="connected"} 2');
    expect(text).toContain('anabranch_tensor_bytes{run="run234",direction="down"} 40');
    expect(text).not.toContain("client 0");
  });

  it("streams past and new events from a line on", async () => {
    const { events: path } = world.run.folder.paths;
    await writeFile(path, '{"n":1}\n{"n":2}\n');
    const response = await world.request(`${run}/events?after=1`);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const reader = response.body!.getReader();
    const next = async () => new TextDecoder().decode((await reader.read()).value);
    expect(await next()).toBe(": events\n\n");
    expect(await next()).toBe('id: 2\ndata: {"n":2}\n\n');
    await writeFile(path, '{"n":1}\n{"n":2}\n{"n":"é"}\n{"cut');
    world.run.events.changed();
    expect(await next()).toBe('id: 3\ndata: {"n":"é"}\n\n');
    world.run.events.close();
    expect((await reader.read()).done).toBe(true);
  });
});

it("asks clients to come back while the run is being opened", async () => {
  const { request, remove } = await testSite({ runs: new Map(), isStarting: true });
  const response = await request(`${run}/status`);
  expect(response.headers.get("retry-after")).toBe("1");
  expect(await codeOf(response)).toBe("503 server/starting");
  await remove();
});

describe("ids in paths", () => {
  it.each([
    "..",
    "%2e%2e",
    "%2e%2e%2fx",
    "run234%00",
    "RUN234",
    "run234%2f..",
    "x".repeat(5000),
  ])("that are not the run's lead nowhere (%#)", async (id) => {
    const response = await world.request(`/api/runs/${id}/status`);
    expect([400, 404]).toContain(response.status);
  });
});

it("documents every route", () => {
  const documented = Object.entries(documentedRoutes).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const served = createApp(world.site)
    .routes.filter(({ method, path }) => method !== "ALL" && path !== "/" && !/^\/(runs|join|assets)\//.test(path))
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}").replace(/\/$/, "")}`);
  // the socket is an upgrade, which hono does not see
  expect(documented.filter((route) => !route.endsWith("/socket")).sort()).toEqual([...new Set(served)].sort());
});
