import { signal } from "@preact/signals";
import { ApiError } from "../view/api.ts";
import { followEvents, pause } from "../view/follow.ts";
import { type History, noHistory } from "../view/history.ts";
import type { ListedRun, RunApi, RunStatus } from "./run-api.ts";

const pollMs = 1_000;
const retryMs = 2_000;

/** What the page knows of the server's runs, as signals that follow it. */
export class Watch {
  readonly runs = signal<readonly ListedRun[]>([]);
  readonly run = signal<string | undefined>(undefined);
  readonly status = signal<RunStatus | undefined>(undefined);
  readonly history = signal<History>(noHistory);
  /** What keeps the page from its data now. */
  readonly problem = signal<ApiError | undefined>(undefined);
  readonly token = signal("");
  readonly #api: RunApi;
  readonly #memory: Storage;
  #following = new AbortController();

  constructor(api: RunApi, memory: Storage) {
    this.#api = api;
    this.#memory = memory;
  }

  /** Follows a run; with none given the only one of the server, or the list of all. */
  async start(run: string | undefined): Promise<void> {
    if (run !== undefined) this.#choose(run);
    await this.#until(async () => {
      this.runs.value = await this.#api.list();
      return this.runs.value.length > 0;
    });
    const [first, second] = this.runs.value;
    if (run === undefined && second === undefined) this.#choose(first!.run);
    if (this.run.value === undefined) await this.#followList();
  }

  /** Each run has a token of its own, which the tab remembers. */
  #choose(run: string): void {
    this.token.value = this.#memory.getItem(tokenKeyOf(run)) ?? "";
    this.#api.token = this.token.value;
    this.run.value = run;
    this.#follow(run);
  }

  #follow(run: string): void {
    this.#following.abort();
    this.#following = new AbortController();
    this.status.value = undefined;
    void this.#followStatus(run, this.#following.signal);
    // the status, which is asked for at the same time, shows what is wrong
    const show = (history: History) => {
      this.history.value = history;
    };
    void followEvents((signal) => this.#api.events(run, signal), show, this.#following.signal);
  }

  /** The tab remembers the token; an empty one is forgotten. */
  setToken(token: string): void {
    const { value: run } = this.run;
    if (run === undefined) return;
    this.token.value = token;
    this.#api.token = token;
    if (token === "") this.#memory.removeItem(tokenKeyOf(run));
    else this.#memory.setItem(tokenKeyOf(run), token);
    this.#follow(run);
  }

  /** Pauses, resumes, stops, ejects. Throws `ApiError`. */
  async steer(action: string): Promise<void> {
    const { value: run } = this.run;
    if (run !== undefined) this.status.value = await this.#api.steer(run, action);
  }

  async #followList(): Promise<void> {
    while (true) {
      await pause(document.hidden ? 10 * pollMs : pollMs);
      await this.#until(async () => {
        this.runs.value = await this.#api.list();
        return true;
      });
    }
  }

  async #followStatus(run: string, ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      await this.#until(async () => {
        const status = await this.#api.status(run);
        if (!ended.aborted) this.status.value = status;
        return true;
      });
      await pause(document.hidden ? 10 * pollMs : pollMs);
    }
  }

  /** Tries until it succeeds, and shows meanwhile why it does not. */
  async #until(attempt: () => Promise<boolean>): Promise<void> {
    while (true) {
      try {
        const done = await attempt();
        this.problem.value = undefined;
        if (done) return;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        this.problem.value = error;
      }
      await pause(retryMs);
    }
  }
}

function tokenKeyOf(run: string): string {
  return `anabranch operator token of ${run}`;
}
