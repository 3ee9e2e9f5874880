import { type LenientEventOf, parseEvent, readEventLeniently, spentText, testNote } from "@anabranch/core";
import { LogTail } from "../store/log-tail.ts";
import { openRunFolder, type RunFolder } from "../store/run-folder.ts";
import { RunSummarizer, type RunSummary } from "../store/run-summary.ts";
import type { ListedRun } from "./run-list.ts";

/** How many lines are read between two looks at the clock. */
const linesAtOnce = 200;

/** One run of a list. Its log is read once, and then on from where it was. */
export class WatchedRun {
  readonly #run: RunFolder;
  readonly #name: string;
  readonly #tail: LogTail;
  readonly #summarizer: RunSummarizer;
  #start: LenientEventOf<"run.started"> | undefined;
  #lastRound: LenientEventOf<"round.finished"> | undefined;
  #isEmpty = true;
  #wasRead = false;
  #withoutLog: RunSummary | undefined;

  private constructor(run: RunFolder, name: string) {
    this.#run = run;
    this.#name = name;
    this.#tail = new LogTail(run.paths.events, run.files);
    this.#summarizer = new RunSummarizer(run.id, run.folder);
  }

  /** @throws as `openRunFolder` */
  static async open(folder: string, name: string): Promise<WatchedRun> {
    return new WatchedRun(await openRunFolder(folder), name);
  }

  /** Whether its log is no longer the one that was read; this run is then to be opened anew. */
  get isOver(): boolean {
    return this.#tail.isCut;
  }

  get bytesLeft(): number {
    return this.#tail.bytesLeft;
  }

  /** Reads what is new, but not after `due`, in milliseconds of `performance.now()`. */
  async catchUp(due: number): Promise<void> {
    let lines = 0;
    for await (const { text } of this.#tail.read()) {
      this.#add(text);
      if (++lines % linesAtOnce === 0 && performance.now() > due) return;
    }
    this.#wasRead = true;
  }

  async listed(): Promise<ListedRun> {
    const summary = await this.#summary();
    const shown = { start: this.#start, rounds: this.#lastRound === undefined ? [] : [this.#lastRound] };
    return {
      ...summary,
      folder: this.#name,
      status: this.#wasRead ? await this.#statusOf(summary) : "reading",
      privacy: spentText(shown),
      testNote: testNote(shown),
    };
  }

  async #summary(): Promise<RunSummary> {
    if (!this.#isEmpty || !this.#wasRead) return this.#summarizer.summary;
    // its last checkpoint says how far it came
    this.#withoutLog ??= (await RunSummarizer.ofFolder(this.#run.folder)).summary;
    return this.#withoutLog;
  }

  async #statusOf({ status }: RunSummary): Promise<RunSummary["status"]> {
    if (this.#tail.tooLong > 0) return "unreadable";
    return status === "running" && !(await this.#run.isLocked()) ? "interrupted" : status;
  }

  /** A line that is no event, such as one cut by a crash, is passed over. */
  #add(line: string): void {
    let event: ReturnType<typeof parseEvent>;
    try {
      event = parseEvent(line);
    } catch {
      return;
    }
    this.#isEmpty = false;
    this.#summarizer.add(event);
    const lenient = readEventLeniently(event);
    if (lenient?.type === "run.started") {
      this.#start = lenient;
      if (this.#lastRound !== undefined && this.#lastRound.round > (lenient.resumedFrom ?? 0))
        this.#lastRound = undefined;
    } else if (lenient?.type === "round.finished") this.#lastRound = lenient;
  }
}
