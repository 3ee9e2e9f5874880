import type { LiveNotice, LiveServer } from "@anabranch/core/live";
import type { Door } from "../server/door.ts";
import { formatPlural } from "../terminal/format.ts";
import { writeJson } from "../terminal/terminal-text.ts";
import { commandName } from "./command-name.ts";
import type { Output } from "./output.ts";

/** Shows how a run is joined, and who has joined until it begins. */
export class ServeView {
  readonly #output: Output;
  readonly #minimumClients: number;
  readonly #isResumed: boolean;
  readonly #prefix: () => string;
  readonly #joined = new Set<number>();

  /** @param prefix stands before remarks on the run, where there are others */
  constructor(output: Output, minimumClients: number, isResumed: boolean, prefix: () => string) {
    this.#output = output;
    this.#minimumClients = minimumClients;
    this.#isResumed = isResumed;
    this.#prefix = prefix;
  }

  opened(door: Door): void {
    this.#printDoor(door);
    if (this.#isResumed) this.#note("Join links that were printed before are valid, too.");
  }

  noticed(notice: LiveNotice, { started }: LiveServer): void {
    if (notice.type === "joined") this.#joined.add(notice.client);
    if (notice.type === "gone") this.#joined.delete(notice.client);
    if (notice.type !== "joined" || started) return;
    this.#note(`${this.#joined.size} of ${formatPlural(this.#minimumClients, "client")} joined.`);
  }

  #note(text: string): void {
    this.#output.note(this.#prefix() + text);
  }

  #printDoor({ run, name, folder, url, page, joinLink, operatorToken, fingerprint, warnings }: Door): void {
    const pin = fingerprint === undefined ? "" : ` --fingerprint ${fingerprint}`;
    const joinCommand = `${commandName()} join "${joinLink}"${pin}`;
    for (const warning of warnings) this.#note(warning);
    if (this.#output.json) {
      const about = { run, name, folder, url, page, joinLink, joinCommand, operatorToken };
      writeJson(process.stdout, { type: "serve.open", ...about, fingerprint: fingerprint ?? null });
      return;
    }
    this.#output.print(
      `Serving ${name} (run ${run}) at ${page}`,
      "",
      `  join command  ${joinCommand}`,
      `  join link     ${joinLink}`,
      ...(fingerprint === undefined ? [] : [`  certificate   SHA-256 ${fingerprint}`]),
      `  operator      token ${operatorToken}`,
      "",
      `Waiting for ${formatPlural(this.#minimumClients, "client")}.`,
    );
  }
}
