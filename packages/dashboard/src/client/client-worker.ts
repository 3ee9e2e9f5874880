import { boundText } from "@anabranch/core";
import {
  type ClientLimits,
  type ClientPrivacy,
  failureOf,
  type LiveClientResult,
  runLiveClient,
  systemTimers as timers,
  USUAL_LIMITS,
} from "@anabranch/core/live";
import { AnabranchError } from "@anabranch/engine";
import * as z from "zod";
import { browserTransport } from "./browser-transport.ts";
import { openDatabase } from "./database.ts";
import { openIdentity } from "./identity.ts";
import { keptStatesOf } from "./kept-states.ts";
import { localExamples } from "./local-examples.ts";
import type { FromClient, PageReport, Start, ToClient } from "./messages.ts";
import { secureRecordsOf } from "./secure-records.ts";
import { openWorkerExecutor } from "./worker-executor.ts";

/**
 * A browser client, in a worker: browsers slow the timers of a hidden page down, but not those of its workers. The page gives
 * it a port and one order to start; it ends with "ended" or "failed".
 */
z.config({ jitless: true }); // the page's policy forbids code made from text

/** Time without the server after which the client gives up. */
const giveUpAfterSeconds = 900;

/** A browser cannot ask for more than the usual. */
const limits: ClientLimits = {
  ...USUAL_LIMITS,
  advice: (limit) => `Join with the command instead, which has the option --limit-${limit}: anabranch join LINK.`,
};

addEventListener("message", ({ ports: [port] }: MessageEvent) => port !== undefined && serve(port), { once: true });

function serve(port: MessagePort): void {
  const left = new AbortController();
  const post = (message: FromClient) => port.postMessage(message);
  port.onmessage = ({ data }: MessageEvent<ToClient>) => {
    if (data.type === "leave") return left.abort();
    alone(data, () => train(data, left.signal, post)).then(
      (result) => post({ type: "ended", result }),
      (error: unknown) => post({ type: "failed", failure: failureOf(error) }),
    );
  };
}

/** Runs while no other tab has the same client of the same run. */
function alone<T>({ run }: Start, use: () => Promise<T>): Promise<T> {
  return navigator.locks.request(`anabranch client of ${run}`, { ifAvailable: true }, (lock) => {
    if (lock !== null) return use();
    throw new AnabranchError({
      code: "client/second-tab",
      message: "another tab of this browser takes part in this run already",
      advice: "Go to that tab, or close it and try again. One browser is one client.",
    });
  });
}

async function train(
  start: Start,
  signal: AbortSignal,
  post: (message: FromClient) => void,
): Promise<LiveClientResult> {
  const { api, run, token, name, source } = start;
  const database = await openDatabase();
  const executor = await openWorkerExecutor();
  try {
    const identity = await openIdentity(database);
    const total = { down: 0, up: 0 };
    const transport = browserTransport(api, (way, bytes) => {
      total[way] += bytes;
      post({ type: "bytes", ...total });
    });
    return await runLiveClient({
      ...{ run, token, transport, identity, executor, timers, signal, limits, giveUpAfterSeconds },
      ...(name !== "" && { name }),
      states: keptStatesOf(database),
      records: secureRecordsOf(database),
      random: Math.random,
      data: (description, client) => localExamples(source, api, identity.holdoutKey, description, client),
      report: (report) => post({ type: "report", report: short(report) }),
    });
  } finally {
    executor.close();
    database.close();
  }
}

function short(report: Parameters<Parameters<typeof runLiveClient>[0]["report"]>[0]): PageReport {
  if (report.type !== "joined") return report;
  const { type, client, examples, description, privacy } = report;
  const { rounds, algorithm, model } = description;
  return {
    type,
    client,
    examples,
    rounds,
    algorithm: algorithm.name,
    model: model.name,
    privacy: privacy && describePrivacy(privacy),
  };
}

/** What the clients' noise guarantees, also against the server. */
function describePrivacy({ epsilon, delta, rounds, shares }: ClientPrivacy): string {
  const most = Number.isFinite(epsilon) ? `at most ${boundText(epsilon)}` : "none";
  return `${most} at delta ${delta} over ${rounds} rounds, if ${shares} clients in each sum add their noise`;
}
