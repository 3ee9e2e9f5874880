import type { LenientEvent } from "@anabranch/core";
import { Api } from "../view/api.ts";
import { type ComparedRuns, comparedRuns } from "./compared-runs.ts";
import { configForm, type FormSection } from "./form-schema.ts";
import { type RunDetails, type RunList, runDetails, runList } from "./listed-run.ts";

/** Milliseconds in which the server answers: it may have to read long logs. */
const patienceMs = 90_000;

/** The routes of `anabranch dashboard`. All throw `ApiError`. */
export class DashboardApi {
  readonly #api: Api;

  /** @param root address below which the routes lie, with a slash at its end */
  constructor(root: string) {
    this.#api = new Api(
      `${root}api`,
      "This page tries again by itself. See whether anabranch dashboard is still running.",
    );
  }

  set token(token: string) {
    this.#api.token = token;
  }

  async list(): Promise<RunList> {
    return runList.parse(await this.#api.json("GET", "/runs", undefined, patienceMs));
  }

  async details(folder: string): Promise<RunDetails> {
    return runDetails.parse(await this.#api.json("GET", runPath(folder)));
  }

  async compare(folders: readonly string[]): Promise<ComparedRuns> {
    const query = new URLSearchParams(folders.map((folder) => ["run", folder]));
    return comparedRuns.parse(await this.#api.json("GET", `/comparison?${query}`, undefined, patienceMs));
  }

  async form(): Promise<readonly FormSection[]> {
    return configForm.parse(await this.#api.json("GET", "/form")).sections;
  }

  /** Throws `ApiError` where a run cannot have this configuration. */
  async check(config: object): Promise<void> {
    await this.#api.json("POST", "/check", { config });
  }

  async start(config: object): Promise<void> {
    await this.#api.json("POST", "/started", { config });
  }

  /** Stops the run that was started from the page. */
  async stop(): Promise<void> {
    await this.#api.json("POST", "/started/stop", {});
  }

  /** The events of a run, those of the past and those to come. */
  events(folder: string, signal: AbortSignal): AsyncGenerator<readonly LenientEvent[]> {
    return this.#api.events(`${runPath(folder)}/events`, signal);
  }
}

function runPath(folder: string): string {
  return `/runs/${encodeURIComponent(folder)}`;
}
