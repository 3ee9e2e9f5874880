import type { LiveClientResult } from "@anabranch/core/live";
import type { Failure } from "@anabranch/engine";
import { signal } from "@preact/signals";
import type { DataSource, FromClient, PageReport, ToClient } from "../client/messages.ts";
import type { Link } from "./link.ts";
import { keepScreenOn } from "./screen-awake.ts";

/** What the client is doing now. */
export interface Activity {
  readonly order: string;
  readonly phase: string;
  readonly share: number;
}

export interface LogLine {
  readonly id: number;
  readonly at: Date;
  readonly text: string;
  readonly bad: boolean;
}

/** What the page shows of a client in training. */
export interface View {
  readonly connection: "none" | "connecting" | "connected" | "waiting to reconnect";
  readonly joined: Extract<PageReport, { type: "joined" }> | undefined;
  readonly activity: Activity | undefined;
  readonly accepted: number;
  readonly down: number;
  readonly up: number;
  readonly result: LiveClientResult | undefined;
  readonly failure: Failure | undefined;
  readonly log: readonly LogLine[];
}

const mostLines = 50;

export const nothingYet: View = {
  connection: "none",
  joined: undefined,
  activity: undefined,
  accepted: 0,
  down: 0,
  up: 0,
  result: undefined,
  failure: undefined,
  log: [],
};

/** A client in a worker, and what it reports as a signal. */
export class Training {
  readonly view = signal<View>(nothingYet);
  #worker: Worker | undefined;
  #port: MessagePort | undefined;
  #releaseScreen = () => {};

  start({ api, run, token }: Link, name: string, source: DataSource): void {
    this.#end();
    this.view.value = { ...nothingYet, connection: "connecting" };
    this.#worker = new Worker(new URL("../client/client-worker.ts", import.meta.url), { type: "module" });
    this.#releaseScreen = keepScreenOn();
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.onmessage = ({ data }: MessageEvent<FromClient>) => this.#take(data);
    this.#worker.onerror = ({ message }) => this.#take({ type: "failed", failure: brokenWorker(message) });
    this.#worker.postMessage("port", [port2]);
    this.#send({ type: "start", api, run, token, name, source });
  }

  leave(): void {
    this.#send({ type: "leave" });
  }

  #send(message: ToClient): void {
    this.#port?.postMessage(message);
  }

  #take(message: FromClient): void {
    this.view.value = next(this.view.value, message, new Date());
    if (message.type === "ended" || message.type === "failed") this.#end();
  }

  #end(): void {
    this.#releaseScreen();
    this.#worker?.terminate();
    this.#port?.close();
    this.#worker = undefined;
    this.#port = undefined;
  }
}

/** The view after a message. */
export function next(view: View, message: FromClient, at: Date): View {
  switch (message.type) {
    case "bytes":
      return { ...view, down: message.down, up: message.up };
    case "ended":
      return { ...view, connection: "none", activity: undefined, result: message.result };
    case "failed":
      return { ...view, connection: "none", activity: undefined, failure: message.failure };
    case "report":
      return withLine(afterReport(view, message.report), message.report, at);
  }
}

function afterReport(view: View, report: PageReport): View {
  switch (report.type) {
    case "connecting":
      return { ...view, connection: "connecting" };
    case "disconnected":
      return { ...view, connection: "waiting to reconnect" };
    case "joined":
      return { ...view, connection: "connected", joined: report };
    case "progress":
      return { ...view, activity: report };
    case "uploaded":
      return { ...view, activity: undefined, accepted: view.accepted + (report.accepted ? 1 : 0) };
    case "failed":
    case "answered":
    case "evaluated":
      return { ...view, activity: undefined };
    case "finished":
      return view;
  }
}

function withLine(view: View, report: PageReport, at: Date): View {
  const line = lineOf(report);
  if (line === undefined) return view;
  const id = (view.log[0]?.id ?? 0) + 1;
  return { ...view, log: [{ id, at, ...line }, ...view.log].slice(0, mostLines) };
}

function lineOf(report: PageReport): Pick<LogLine, "text" | "bad"> | undefined {
  const round = "order" in report ? report.order.split("/")[0] : "";
  const good = (text: string) => ({ text, bad: false });
  const bad = (text: string) => ({ text, bad: true });
  switch (report.type) {
    case "joined":
      return good(`Joined as client ${report.client} with ${report.examples.toLocaleString("en")} examples.`);
    case "disconnected":
      return bad(`Connection lost: ${report.reason}. Trying again in ${Math.ceil(report.retryInSeconds)} s.`);
    case "uploaded":
      if (report.accepted) return good(`Round ${round}: the server accepted the update.`);
      return bad(`Round ${round}: the server did not take the update (${report.code}).`);
    case "failed":
      return bad(`Round ${round}: ${report.message}`);
    case "evaluated":
      return good(`Evaluated the model on ${report.examples.toLocaleString("en")} examples.`);
    case "finished":
      return good(`The run is over after round ${report.round}.`);
    default:
      return undefined;
  }
}

function brokenWorker(message: string): Failure {
  return {
    code: "client/worker",
    message: "the part of this page that takes part in the run has ended",
    ...(message !== "" && { received: message }),
    advice: "Reload the page. If this persists, update the browser.",
  };
}
