import type { LenientEvent } from "@anabranch/core";
import type { LiveStatus } from "@anabranch/core/live";
import { Api } from "../view/api.ts";

/** What the server reports of a run. */
export interface RunStatus extends LiveStatus {
  readonly name: string;
}

export interface ListedRun {
  readonly run: string;
  readonly name: string;
  readonly state: LiveStatus["state"];
}

/** The routes of a server for those who watch and steer its runs. */
export class RunApi {
  readonly #api: Api;

  /** @param root address below which the routes lie, with a slash at its end */
  constructor(root: string) {
    this.#api = new Api(
      `${root}api/runs`,
      "This page tries again by itself. A server ends with its runs: see whether anabranch serve is still running.",
    );
  }

  /** The operator's token; empty: none. */
  set token(token: string) {
    this.#api.token = token;
  }

  async list(): Promise<readonly ListedRun[]> {
    const { runs } = (await this.#api.json("GET", "")) as { runs: ListedRun[] };
    return runs;
  }

  async status(run: string): Promise<RunStatus> {
    return (await this.#api.json("GET", `/${encodeURIComponent(run)}/status`)) as RunStatus;
  }

  /** @param action such as "pause" or "clients/3/eject" */
  async steer(run: string, action: string): Promise<RunStatus> {
    return (await this.#api.json("POST", `/${encodeURIComponent(run)}/${action}`)) as RunStatus;
  }

  /** The events of a run, those of the past and those to come. */
  events(run: string, signal: AbortSignal): AsyncGenerator<readonly LenientEvent[]> {
    return this.#api.events(`/${encodeURIComponent(run)}/events`, signal);
  }
}
