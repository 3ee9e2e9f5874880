import type { Failure } from "@anabranch/engine";
import { signal } from "@preact/signals";
import { ApiError } from "../view/api.ts";
import type { DashboardApi } from "./dashboard-api.ts";
import type { FormSection } from "./form-schema.ts";
import { configOf, type FormValues } from "./form-values.ts";

/** After the last key, before what was typed is checked. */
const checkMs = 400;

/** A configuration that is being filled in. It is checked by the server, with the schema that checks files. */
export class NewRun {
  readonly sections = signal<readonly FormSection[] | undefined>(undefined);
  readonly values = signal<FormValues>({});
  readonly failure = signal<Failure | undefined>(undefined);
  readonly #api: DashboardApi;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #checks = 0;

  constructor(api: DashboardApi) {
    this.#api = api;
  }

  async load(): Promise<void> {
    if (this.sections.value !== undefined) return;
    await this.#attempt(async () => {
      this.sections.value = await this.#api.form();
    });
  }

  change(path: string, text: string): void {
    this.values.value = { ...this.values.value, [path]: text };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#attempt(() => this.#api.check(this.config)), checkMs);
  }

  /** Whether the run was started. */
  start(): Promise<boolean> {
    clearTimeout(this.#timer);
    return this.#attempt(() => this.#api.start(this.config));
  }

  get config(): Record<string, unknown> {
    return configOf(this.sections.value ?? [], this.values.value);
  }

  /** The answer to the last request counts. */
  async #attempt(request: () => Promise<void>): Promise<boolean> {
    const check = ++this.#checks;
    const failure = await request().then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof ApiError) return error.failure;
        throw error;
      },
    );
    if (check === this.#checks) this.failure.value = failure;
    return failure === undefined;
  }
}
