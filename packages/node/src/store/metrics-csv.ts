import type { RunEvent } from "@anabranch/core";
import { diskFileSystem } from "./disk-file-system.ts";
import { readEvents } from "./event-lines.ts";
import { type FileSystem, type OpenFile, storageError, writeAtomically } from "./file-system.ts";

/**
 * Columns of metrics.csv, in order. Bytes and seconds are those of the round, epsilon that of all rounds so far.
 * `epsilon_before`: what of it the initial weights had cost; "unknown" where epsilon does not cover them.
 * `simulated_seconds`: from the start of the run, with [devices]. `staleness`: the mean of an asynchronous round.
 */
const columns = [
  "round",
  "loss",
  "test_loss",
  "test_accuracy",
  "client_mean",
  "client_worst_decile",
  "bytes_down",
  "bytes_up",
  "seconds",
  "learning_rate",
  "epsilon",
  "epsilon_before",
  "simulated_seconds",
  "staleness",
] as const;

type Row = Partial<Record<(typeof columns)[number], number | "unknown" | null>>;

/** Events that may still add to the row of a finished round. */
const addsToRow = new Set<string>(["round.finished", "evaluation", "client.evaluation", "client.failed"]);

/** Writes metrics.csv, one line a finished round, as the events of a run come in. */
export class MetricsCsv {
  readonly path: string;
  readonly #files: FileSystem;
  readonly #rows = new Rows();
  /** Opened with the first line that is added. */
  #file: OpenFile | undefined;

  private constructor(path: string, files: FileSystem) {
    this.path = path;
    this.#files = files;
  }

  /** Writes the file anew from an event log (none: the header only) and goes on from there. */
  static async open(path: string, events: string, files: FileSystem = diskFileSystem): Promise<MetricsCsv> {
    const rows = new Map<number, Row>();
    const past = new Rows();
    for await (const event of readEvents(events)) {
      // A resumed run does the rounds after its checkpoint once more: only the last time counts.
      if (event.type === "run.started") dropAfter(rows, event.resumedFrom ?? 0);
      collect(rows, past.take(event));
    }
    collect(rows, past.end());
    const text = [columns.join(","), ...[...rows.values()].map(render)].join("\n");
    await writeAtomically(files, path, Buffer.from(`${text}\n`), "metrics.csv");
    return new MetricsCsv(path, files);
  }

  /** Adds the line of the last round once an event shows that it is complete. */
  async append(event: RunEvent): Promise<void> {
    await this.#write(this.#rows.take(event));
  }

  /** Writes the line of the last round. */
  async close(): Promise<void> {
    try {
      await this.#write(this.#rows.end());
    } finally {
      await this.#file?.close();
    }
  }

  async #write(row: Row | undefined): Promise<void> {
    if (row === undefined) return;
    try {
      this.#file ??= await this.#files.append(this.path);
      await this.#file.appendFile(`${render(row)}\n`);
    } catch (error) {
      throw storageError(error, { what: "metrics.csv", path: this.path });
    }
  }
}

/** Gathers what several events tell of one round. */
class Rows {
  #row: Row = {};

  /** The row that this event shows to be complete. */
  take(event: RunEvent): Row | undefined {
    const done = addsToRow.has(event.type) ? undefined : this.end();
    if (event.type === "round.started") this.#row = { learning_rate: event.learningRate };
    else Object.assign(this.#row, cellsOf(event));
    return done;
  }

  end(): Row | undefined {
    // A round that was only begun is no row.
    if (this.#row.round === undefined) return undefined;
    const row = this.#row;
    this.#row = {};
    return row;
  }
}

function cellsOf(event: RunEvent): Row {
  switch (event.type) {
    case "round.finished":
      return {
        round: event.round,
        loss: event.loss,
        bytes_down: event.bytesDown,
        bytes_up: event.bytesUp,
        seconds: event.seconds,
        epsilon: event.privacy?.epsilon ?? null,
        epsilon_before: event.privacy?.covered === false ? "unknown" : (event.privacy?.before ?? null),
        simulated_seconds: event.simulatedSeconds ?? null,
        staleness: event.staleness?.mean ?? null,
      };
    case "evaluation":
      return { test_loss: event.loss, test_accuracy: event.accuracy };
    case "client.evaluation":
      return { client_mean: event.mean, client_worst_decile: event.worstDecile };
    default:
      return {};
  }
}

function collect(rows: Map<number, Row>, row: Row | undefined): void {
  if (typeof row?.round === "number") rows.set(row.round, row);
}

function dropAfter(rows: Map<number, Row>, round: number): void {
  for (const known of [...rows.keys()]) if (known > round) rows.delete(known);
}

/** What was not measured, or is not finite, is an empty cell. */
function render(row: Row): string {
  const cell = (value: Row[keyof Row]) => (value === "unknown" || Number.isFinite(value) ? String(value) : "");
  return columns.map((name) => cell(row[name])).join(",");
}
