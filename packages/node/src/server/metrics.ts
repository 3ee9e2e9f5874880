import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { ServedRun } from "./served-run.ts";

/** Which metrics are shown. */
export interface ShownMetrics {
  readonly runs: readonly ServedRun[];
  /** Whether those of the process, its requests and its connections are shown as well. */
  readonly ofServer: boolean;
}

/** What Prometheus is told. There is no series per client: their number has no bound. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Histogram<"route" | "method" | "status">;
  readonly #sockets: Counter<"event">;

  constructor() {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry, prefix: "anabranch_" });
    this.#requests = new Histogram({
      name: "anabranch_http_request_seconds",
      help: "Time from a request to the end of its answer",
      labelNames: ["route", "method", "status"],
      buckets: [0.001, 0.01, 0.1, 1, 10, 100],
      registers,
    });
    this.#sockets = new Counter({
      name: "anabranch_sockets_total",
      help: "Control connections by what happened to them",
      labelNames: ["event"],
      registers,
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  request(route: string, method: string, status: number, seconds: number): void {
    this.#requests.observe({ route, method, status }, seconds);
  }

  socket(event: "opened" | "closed" | "refused" | "too-slow" | "silent"): void {
    this.#sockets.inc({ event });
  }

  async text({ runs, ofServer }: ShownMetrics): Promise<string> {
    const server = ofServer ? await this.#registry.metrics() : "";
    return `${server}\n${await registryOf(runs).metrics()}`;
  }
}

/** Metrics of runs as they are now, each with the label `run`. */
function registryOf(runs: readonly ServedRun[]): Registry {
  const registry = new Registry();
  const gauge = (name: string, help: string, valuesOf: (run: ServedRun) => Record<string, number>, label?: string) => {
    const made = new Gauge({
      name: `anabranch_${name}`,
      help,
      labelNames: ["run", ...(label === undefined ? [] : [label])],
      registers: [registry],
    });
    for (const run of runs) {
      for (const [key, value] of Object.entries(valuesOf(run)))
        made.set({ run: run.id, ...(label === undefined ? {} : { [label]: key }) }, value);
    }
  };
  const sum = ({ live }: ServedRun, key: "bytesUp" | "bytesDown" | "accepted" | "failed") =>
    live.status().clients.reduce((total, client) => total + client[key], 0);
  gauge("round", "Round that is being trained", ({ live }) => ({ round: live.status().round }));
  gauge("clients", "Clients by state", (run) => clientStates(run), "state");
  gauge(
    "updates",
    "Updates of this process by outcome",
    (run) => ({
      accepted: sum(run, "accepted"),
      failed: sum(run, "failed"),
    }),
    "outcome",
  );
  gauge(
    "tensor_bytes",
    "Bytes of tensors in this process by direction",
    (run) => ({
      up: sum(run, "bytesUp"),
      down: sum(run, "bytesDown"),
    }),
    "direction",
  );
  return registry;
}

function clientStates({ live }: ServedRun): Record<string, number> {
  const states: Record<string, number> = { enrolled: 0, ejected: 0, connected: 0, training: 0, uploading: 0 };
  const count = (state: string) => {
    states[state] = (states[state] ?? 0) + 1;
  };
  for (const { status, connected, phase } of live.status().clients) {
    count(status);
    if (connected) count("connected");
    if (connected && (phase === "training" || phase === "uploading")) count(phase);
  }
  return states;
}
