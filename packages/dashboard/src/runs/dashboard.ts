import { signal } from "@preact/signals";
import { ApiError } from "../view/api.ts";
import { pause } from "../view/follow.ts";
import { untilVisible } from "../view/visible.ts";
import type { DashboardApi } from "./dashboard-api.ts";
import type { RunList } from "./listed-run.ts";
import { NewRun } from "./new-run.ts";
import { parseRoute, type Route } from "./route.ts";
import { rememberToken } from "./token.ts";

const pollMs = 3_000;
/** While long logs are read, or a run starts. */
const hurriedMs = 500;

/** What the page knows of the folder of runs, as signals that follow it. */
export class Dashboard {
  readonly api: DashboardApi;
  readonly route = signal<Route>({ view: "list" });
  readonly list = signal<RunList | undefined>(undefined);
  /** What keeps the page from the list now. */
  readonly problem = signal<ApiError | undefined>(undefined);
  /** Folders of the runs that are chosen to be compared. */
  readonly chosen = signal<ReadonlySet<string>>(new Set());
  readonly newRun: NewRun;
  readonly #page: Window;

  constructor(api: DashboardApi, page: Window) {
    this.api = api;
    this.newRun = new NewRun(api);
    this.#page = page;
    const follow = () => {
      this.route.value = parseRoute(page.location.hash);
    };
    page.addEventListener("hashchange", follow);
    follow();
  }

  /** Keeps the list up to date, for as long as the page is open. */
  async start(): Promise<void> {
    while (true) {
      await untilVisible(this.#page.document);
      const asked = performance.now();
      await this.look();
      // a long list takes longer, and is asked for less often
      await pause(Math.max(this.#isHurried ? hurriedMs : pollMs, 5 * (performance.now() - asked)));
    }
  }

  async setToken(token: string): Promise<void> {
    rememberToken(token, this.#page.sessionStorage);
    this.api.token = token;
    await this.look();
  }

  choose(folder: string, isChosen: boolean): void {
    const chosen = new Set(this.chosen.value);
    if (isChosen) chosen.add(folder);
    else chosen.delete(folder);
    this.chosen.value = chosen;
  }

  get #isHurried(): boolean {
    const list = this.list.value;
    return list !== undefined && (list.pending > 0 || list.started.state === "starting");
  }

  /** Whether a run that was started from the page has not ended. */
  get isBusy(): boolean {
    return !["none", "ended"].includes(this.list.value?.started.state ?? "none");
  }

  async stop(): Promise<void> {
    await this.api.stop();
    await this.look();
  }

  async look(): Promise<void> {
    try {
      this.list.value = await this.api.list();
      this.problem.value = undefined;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.problem.value = error;
    }
  }
}
