import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { Exchange } from "../client/exchange.ts";
import type { ServerTrust } from "../client/server-trust.ts";
import { selfSigned } from "./certificate.ts";
import { type HttpServer, listen } from "./http-server.ts";
import { HandClient } from "./testing/hand-client.ts";
import { type Served, serveTrial } from "./testing/served.ts";
import { type TestSite, testSite } from "./testing/test-site.ts";

/** Who may do what: every row is an attempt and the answer it gets. `vitest --reporter=verbose` prints them. */
interface Row {
  readonly attempt: string;
  /** Status of HTTP, where there is one, and the code. */
  readonly answer: string;
  act(): Promise<string>;
}

let here: Served;
let elsewhere: Served;
beforeAll(async () => {
  [here, elsewhere] = await Promise.all([serveTrial(), serveTrial()]);
}, 60_000);
afterAll(async () => {
  await Promise.all([here.close(), elsewhere.close()]);
}, 30_000);

const opened: HandClient[] = [];
const dial = () => {
  const client = new HandClient(here.door.url, here.door.run);
  opened.push(client);
  return client;
};

/** Introduces a new client and returns the code of its refusal. */
async function introduced(token: () => string | Promise<string>, client?: number, origin?: string): Promise<string> {
  const hand = dial();
  for (const message of await hand.introduction(await token(), client, origin)) hand.say(message);
  return hand.refused();
}

async function http(method: string, path: string, token?: string, headers: Record<string, string> = {}) {
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const body = method === "PUT" ? "x" : null;
  const response = await fetch(`${here.api}${path}`, { method, body, headers: { ...authorization, ...headers } });
  const { code = "" } = (await response.json().catch(() => ({}))) as { code?: string };
  return `${response.status} ${code}`.trim();
}

/** Status and code by which a WebSocket is refused. */
function upgrade(path: string, headers: Record<string, string>): Promise<string> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${here.door.url.replace("http", "ws")}${path}`, { headers });
    socket.on("open", () => resolve("open"));
    socket.on("error", () => {});
    socket.on("unexpected-response", async (_request, response) => {
      let text = "";
      for await (const part of response) text += String(part);
      resolve(`${response.statusCode} ${(JSON.parse(text) as { code: string }).code}`);
    });
  });
}

const digest = (text: string) => createHash("sha256").update(text).digest("hex");
const hash = digest("x");
const order = (id: string) => `/orders/${id}?offset=0&total=1&hash=${hash}`;

const joining: Row[] = [
  { attempt: "join without a token", answer: "live/token", act: () => introduced(() => "") },
  { attempt: "join with a guessed token", answer: "live/token", act: () => introduced(() => "guess") },
  { attempt: "join with the hash of the token", answer: "live/token", act: () => introduced(() => digest(here.token)) },
  {
    attempt: "join with an expired token",
    answer: "live/token-expired",
    act: () => introduced(() => here.live.addToken({ expires: Date.now() - 1 })),
  },
  {
    attempt: "join with a revoked token",
    answer: "live/token",
    act: () =>
      introduced(async () => {
        const token = await here.live.addToken();
        expect(await http("DELETE", `/tokens/${digest(token)}`, here.door.operatorToken)).toBe("200");
        return token;
      }),
  },
  { attempt: "join with another run's token", answer: "live/token", act: () => introduced(() => elsewhere.token) },
  { attempt: "join with a session", answer: "live/token", act: () => introduced(() => here.sessions[0]) },
  {
    attempt: "join with the operator's token",
    answer: "live/token",
    act: () => introduced(() => here.door.operatorToken),
  },
  {
    attempt: "join with a token of another number",
    answer: "live/number",
    act: () => introduced(() => here.live.addToken({ client: 2 }), 1),
  },
  { attempt: "join as a client that is there", answer: "live/number", act: () => introduced(() => here.token, 0) },
  { attempt: "join beyond the places", answer: "live/full", act: () => introduced(() => here.token, 3) },
  {
    attempt: "a proof for another server",
    answer: "live/identity",
    act: () => introduced(() => here.token, 2, "https://evil.example"),
  },
  {
    attempt: "a proof of an earlier connection",
    answer: "live/identity",
    async act() {
      const recorded = await dial().introduction(here.token, 2);
      const replaying = dial();
      await replaying.heard("challenge");
      for (const message of recorded) replaying.say(message);
      return replaying.refused();
    },
  },
  {
    attempt: "another client's key without its signature",
    answer: "live/identity",
    async act() {
      const [victim, thief] = [dial(), dial()];
      const [hello] = await victim.introduction(here.token, 2);
      const [, proof] = await thief.introduction(here.token, 2);
      for (const message of [hello!, proof!]) thief.say(message);
      return thief.refused();
    },
  },
  {
    attempt: "a first message twice",
    answer: "live/order",
    async act() {
      const hand = dial();
      const [hello] = await hand.introduction(here.token, 2);
      for (const message of [hello!, hello!]) hand.say(message);
      return hand.refused();
    },
  },
  {
    attempt: "work before a proof",
    answer: "live/order",
    async act() {
      const hand = dial();
      const [hello] = await hand.introduction(here.token, 2);
      hand.say(hello!);
      hand.say({ type: "failed", order: "1/0/0", code: "x", message: "y" });
      return hand.refused();
    },
  },
  {
    attempt: "a socket of another run",
    answer: "404 http/not-found",
    act: () => upgrade(`/api/runs/${elsewhere.door.run}/socket`, {}),
  },
  {
    attempt: "a socket from another site's page",
    answer: "403 http/origin",
    act: () => upgrade(`/api/runs/${here.door.run}/socket`, { origin: "https://evil.example" }),
  },
  {
    attempt: "a socket by another name of the machine",
    answer: "421 http/host",
    act: () => upgrade(`/api/runs/${here.door.run}/socket`, { host: "evil.example" }),
  },
];

/** What the routes of clients take for a session. */
const keys: readonly (readonly [string, () => string | undefined])[] = [
  ["no session", () => undefined],
  ["a guessed session", () => "guess"],
  ["the join token", () => here.token],
  ["the operator's token", () => here.door.operatorToken],
  ["another run's session", () => elsewhere.sessions[0]],
];
const clients: Row[] = [
  ...keys.flatMap(([name, key]) => [
    { attempt: `a model with ${name}`, answer: "401 live/session", act: () => http("GET", `/blobs/${hash}`, key()) },
    { attempt: `an update with ${name}`, answer: "401 live/session", act: () => http("PUT", order("1.0.0"), key()) },
  ]),
  {
    attempt: "an update with the session of a connection that has ended",
    answer: "401 live/session",
    async act() {
      const hand = dial();
      const session = await hand.join(here.token, 2);
      await hand.leave();
      await expect.poll(() => here.live.clientOf(session)).toBeUndefined();
      return http("PUT", order("1.2.0"), session);
    },
  },
  {
    attempt: "an update for another client's order",
    answer: "200 live/closed",
    act: () => http("PUT", order("1.0.0"), here.sessions[1]),
  },
  {
    attempt: "a look at another client's order",
    answer: "200 live/closed",
    act: () => http("GET", order("1.0.0"), here.sessions[1]),
  },
  {
    attempt: "an update for an order that was never given",
    answer: "200 live/closed",
    act: () => http("PUT", order("9.1.0"), here.sessions[1]),
  },
  {
    attempt: "a blob that is no model of the run",
    answer: "404 http/not-found",
    act: () => http("GET", `/blobs/${hash}`, here.sessions[0]),
  },
  {
    attempt: "an update from another site's page",
    answer: "403 http/origin",
    act: () => http("PUT", order("1.0.0"), here.sessions[0], { origin: "https://evil.example" }),
  },
];

const actions = [
  ...[
    "GET /tokens",
    "POST /pause",
    "POST /resume",
    "POST /stop",
    "POST /clients/0/eject",
    "POST /clients/0/readmit",
    "POST /tokens",
  ],
  `DELETE /tokens/${hash}`,
];
const strangers: readonly (readonly [string, () => string | undefined])[] = [
  ["no token", () => undefined],
  ["a client's session", () => here.sessions[0]],
  ["the join token", () => here.token],
  ["another run's operator token", () => elsewhere.door.operatorToken],
];
const operator: Row[] = [
  ...actions.flatMap((action) =>
    strangers.map(([name, token]) => {
      const [method = "", path = ""] = action.split(" ");
      return {
        attempt: `${action.replace(hash, "HASH")} with ${name}`,
        answer: "401 operator/token",
        act: () => http(method, path, token()),
      };
    }),
  ),
  {
    attempt: "POST /clients/9/eject by the operator",
    answer: "404 http/not-found",
    act: () => http("POST", "/clients/9/eject", here.door.operatorToken),
  },
  {
    attempt: "DELETE /tokens/HASH of another run by the operator",
    answer: "404 http/not-found",
    act: () => http("DELETE", `/tokens/${digest(elsewhere.token)}`, here.door.operatorToken),
  },
  {
    attempt: "POST /pause from another site's page with the token",
    answer: "403 http/origin",
    act: () => http("POST", "/pause", here.door.operatorToken, { origin: "https://evil.example" }),
  },
];

describe("a server refuses", { timeout: 30_000 }, () => {
  it.each([...joining, ...clients, ...operator])("$attempt: $answer", async ({ answer, act }) => {
    expect(await act()).toBe(answer);
  });

  it("all of it without a consequence", () => {
    const { state, clients: roll } = here.live.status();
    expect([state, here.live.clientOf(here.sessions[0]), here.live.clientOf(here.sessions[1])]).toEqual([
      "running",
      0,
      1,
    ]);
    // number 2 has joined once, as it may
    expect(roll.map(({ client, status }) => `${client} ${status}`)).toEqual(["0 enrolled", "1 enrolled", "2 enrolled"]);
  });
});

describe("a client refuses a server", { timeout: 30_000 }, () => {
  const day = 86_400_000;
  const certificate = (names: string[], from: number) => selfSigned(names, new Date(Date.now() + from), 30);
  const own = certificate(["127.0.0.1"], 0);
  const expired = certificate(["127.0.0.1"], -31 * day);
  const future = certificate(["127.0.0.1"], 2 * day);
  const foreign = certificate(["other.example"], 0);
  const ca = ({ cert }: { readonly cert: string }): ServerTrust => ({ kind: "ca", pem: cert });

  let site: TestSite;
  let server: HttpServer | undefined;
  beforeAll(async () => {
    site = await testSite();
  });
  afterAll(() => site.remove());

  it.each<[string, typeof own | undefined, ServerTrust, string, string]>([
    ["that no authority has signed", own, { kind: "authorities" }, "https", "live/certificate"],
    ["whose certificate has expired", expired, ca(expired), "https", "live/certificate"],
    ["whose certificate is not valid yet", future, ca(future), "https", "live/certificate"],
    ["whose certificate is for another name", foreign, ca(foreign), "https", "live/certificate"],
    ["that has another fingerprint", own, { kind: "fingerprint", sha256: "0".repeat(64) }, "https", "live/certificate"],
    ["without TLS at a link with it", undefined, { kind: "authorities" }, "https", "live/protocol"],
    ["with TLS at a link without it", own, { kind: "authorities" }, "http", "live/connection"],
  ])("%s", async (_name, tls, trust, scheme, code) => {
    server = await listen(site.site, { host: "127.0.0.1", port: 0, ...(tls === undefined ? {} : { tls }) });
    const exchange = new Exchange(`${scheme}://127.0.0.1:${server.port}`, trust, 5000);
    const asked = exchange.request("GET", `${exchange.origin}/healthz`, {});
    await expect(asked).rejects.toMatchObject({ code });
    exchange.close();
    await server.close();
  });
});
