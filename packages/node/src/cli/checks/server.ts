import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { connect } from "node:tls";
import { VERSION } from "@anabranch/core";
import { serverMessage } from "@anabranch/core/live";
import { openControlSocket } from "../../client/control-socket.ts";
import { Exchange } from "../../client/exchange.ts";
import type { ServerTrust } from "../../client/server-trust.ts";
import { parseServerUrl } from "../../server/remote-server.ts";
import { type ListedRun, runList } from "../../server/run-status.ts";
import { formatPlural, formatSeconds } from "../../terminal/format.ts";
import type { Check, Finding } from "./check.ts";

const silentMs = 10_000;
const day = 86_400_000;

/** Headers without which browsers give WebAssembly no threads. */
const isolation = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

/** What is to be known of a live server before clients join it, as seen from this machine. */
export function serverChecks(url: string, trust: ServerTrust): { readonly checks: Check[]; close(): void } {
  const { base, run: named } = parseServerUrl(url);
  const exchange = new Exchange(new URL(base).origin, trust, silentMs);
  const health = remembered(async () => {
    const started = performance.now();
    const response = await exchange.request("GET", `${base}/healthz`, {});
    const { status } = await exchange.readAnswer(response);
    return { response, status, seconds: (performance.now() - started) / 1000 };
  });
  const runs = remembered(async () => {
    const { json } = await exchange.readAnswer(await exchange.request("GET", `${base}/api/runs`, {}));
    const all = runList.safeParse(json).data?.runs ?? [];
    return named === undefined ? all : all.filter(({ run }) => run === named);
  });
  const checks: Check[] = [
    { name: "server", decisive: ["live/connection"], look: async () => serverFinding(await health()) },
    { name: "certificate", look: async () => certificateFinding(base, await expiryOf(base)) },
    { name: "clock", look: async () => clockFinding((await health()).response) },
    { name: "browsers", look: async () => browserFinding(base, (await health()).response) },
    { name: "run", look: async () => runFinding(await runs()) },
    { name: "control connection", look: async () => connectionFinding(exchange, base, (await runs())[0]?.run) },
  ];
  return { checks, close: () => exchange.close() };
}

function serverFinding({ status, seconds }: { readonly status: number; readonly seconds: number }): Finding {
  const message = `status ${status} in ${formatSeconds(seconds)}`;
  if (status === 200) return { status: "ok", message };
  return { status: "fail", message, advice: "Check the address, and the proxy before the server if there is one." };
}

/** When the certificate expires; undefined without TLS. Whether it is trusted shows in the other checks. */
async function expiryOf(base: string): Promise<Date | undefined> {
  const { protocol, hostname, port } = new URL(base);
  if (protocol !== "https:") return undefined;
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const servername = isIP(host) === 0 ? { servername: host } : {};
  const socket = connect({ host, port: Number(port || 443), rejectUnauthorized: false, ...servername });
  socket.setTimeout(silentMs, () => socket.destroy(new Error("the server does not answer")));
  try {
    await once(socket, "secureConnect");
    return socket.getPeerX509Certificate()?.validToDate;
  } finally {
    socket.destroy();
  }
}

function certificateFinding(base: string, expires: Date | undefined): Finding {
  if (expires === undefined) {
    const isLocal = /\/\/(127\.|localhost|\[::1\])/.test(base);
    const message = "none: the connection is not encrypted";
    const advice =
      "On a network that you do not trust, serve with --tls-cert and --tls-key, or behind a proxy with TLS.";
    return isLocal ? { status: "ok", message } : { status: "warn", message, advice };
  }
  const days = Math.floor((expires.getTime() - Date.now()) / day);
  const message = `valid for ${formatPlural(days, "day")}`;
  return days >= 14 ? { status: "ok", message } : { status: "warn", message, advice: "Renew it before it expires." };
}

/** Certificates and tokens expire by a clock. */
function clockFinding({ headers }: IncomingMessage): Finding {
  const difference = (Date.parse(headers.date ?? "") - Date.now()) / 1000;
  if (Number.isNaN(difference)) {
    return { status: "warn", message: "the server sends no date", advice: "A proxy may remove it." };
  }
  const message = `differs by ${formatSeconds(Math.abs(difference))}`;
  if (Math.abs(difference) < 60) return { status: "ok", message };
  return { status: "warn", message, advice: "Set the clock of this machine, or that of the server." };
}

function browserFinding(base: string, { headers }: IncomingMessage): Finding {
  const missing = Object.entries(isolation).filter(([name, value]) => headers[name] !== value);
  if (missing.length > 0) {
    const message = `the answer lacks ${missing.map(([name]) => name).join(" and ")}`;
    return { status: "warn", message, advice: "Let the proxy pass the server's headers on." };
  }
  if (/^https:|\/\/(127\.|localhost|\[::1\])/.test(base)) return { status: "ok", message: "pages are isolated" };
  const advice = "Browsers on other machines train in one thread without HTTPS. Serve with TLS.";
  return { status: "warn", message: "pages are not secure contexts", advice };
}

function runFinding(runs: readonly ListedRun[]): Finding {
  const failed = runs.filter(({ state }) => state === "failed");
  const message = runs.map(({ run, name, state }) => `${name} (run ${run}), ${state}`).join("; ");
  if (failed.length > 0) return { status: "warn", message, advice: "See why in the server's log, then resume it." };
  if (runs.length > 0) return { status: "ok", message };
  return { status: "warn", message: "no run yet", advice: "The server may still be reading the data. Try again." };
}

/** A proxy may pass requests on and refuse WebSockets. */
async function connectionFinding(exchange: Exchange, base: string, run: string | undefined): Promise<Finding> {
  if (run === undefined) return { status: "warn", message: "not tried", advice: "It needs a run." };
  const { promise: answer, resolve } = Promise.withResolvers<string>();
  const url = `${base.replace(/^http/, "ws")}/api/runs/${encodeURIComponent(run)}/socket`;
  const socket = await openControlSocket(exchange, url, { message: resolve, closed: () => resolve("") }, silentMs);
  const timer = setTimeout(() => resolve(""), silentMs);
  const challenge = serverMessage.safeParse(parsed(await answer)).data;
  clearTimeout(timer);
  socket.close();
  if (challenge?.type !== "challenge") {
    const advice = "Let the proxy pass WebSocket connections on (headers Upgrade and Connection).";
    return { status: "fail", message: "it opens, and the server says nothing", advice };
  }
  const message = `open; the server has version ${challenge.package}, this machine ${VERSION}`;
  if (challenge.package === VERSION) return { status: "ok", message };
  return { status: "warn", message, advice: "Install the server's version on the clients." };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Calls at most once. */
function remembered<T>(call: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= call();
    return result;
  };
}
