import { boundText } from "@anabranch/core";
import type { ClientPrivacy, ClientReport, LiveClientResult } from "@anabranch/core/live";
import { formatBytes, formatCount, formatPercent, formatPlural, formatSeconds } from "../terminal/format.ts";
import { eraseLine, writeJson, writePassing } from "../terminal/terminal-text.ts";
import type { Output } from "./output.ts";

/** Shows what a client does: lines of text with one that passes, or JSON lines. */
export class JoinView {
  readonly #output: Output;
  readonly #origin: string;
  readonly #giveUpAfterSeconds: number;
  /** Whether a first try was shown; later ones are announced as they are put off. */
  #connecting = false;
  /** Whether it was shown what the run is; a client that comes back knows. */
  #described = false;
  /** What the passing line shows; undefined: there is none. */
  #passing: string | undefined;
  /** The phase that was shown last, where no line can pass. */
  #phase = "";
  #since = performance.now();

  constructor(output: Output, origin: string, giveUpAfterSeconds: number) {
    this.#output = output;
    this.#origin = origin;
    this.#giveUpAfterSeconds = giveUpAfterSeconds;
  }

  report(event: ClientReport): void {
    if (this.#output.json) {
      writeJson(process.stdout, event);
      return;
    }
    switch (event.type) {
      case "connecting":
        if (!this.#connecting) this.#note(`Connecting to ${this.#origin}`);
        this.#connecting = true;
        return;
      case "disconnected":
        this.#note(
          `Not connected: ${event.reason}. Next try in ${formatSeconds(event.retryInSeconds)}, ` +
            `for up to ${formatSeconds(this.#giveUpAfterSeconds)}.`,
        );
        return;
      case "joined":
        this.#joined(event);
        return;
      case "progress":
        this.#progress(event.order, event.phase, event.share);
        return;
      case "uploaded":
        this.#line(
          `${nameOf(event.order)}: uploaded ${formatBytes(event.bytes)}, ` +
            (event.accepted ? "accepted" : `not used (${event.code ?? "refused"})`),
        );
        return;
      case "failed":
        this.#line(`${nameOf(event.order)}: failed: ${event.message}`);
        return;
      case "answered":
        if (event.stage === "mask")
          this.#line(`${nameOf(event.order)}: sent the masked update, ${formatBytes(event.bytes)}`);
        return;
      case "evaluated":
        this.#line(`evaluated the model on ${formatPlural(event.examples, "own example")}; sent the sums`);
        return;
      case "finished":
        return; // the result says it
    }
  }

  warn(text: string): void {
    this.#erase();
    this.#output.note(text);
  }

  leaving(): void {
    this.warn("Leaving the run; what is under way is dropped. Press Ctrl-C again to exit immediately.");
  }

  ended({ stopped, round, modelHash }: LiveClientResult): void {
    if (this.#output.json) {
      writeJson(process.stdout, { type: "result", stopped, round, modelHash: modelHash ?? null });
    } else if (stopped === "left") {
      this.#line("Left the run. The same command joins it again.");
    } else {
      this.#line(`The run has ended after ${formatPlural(round, "round")}: ${stopped}. Model hash: ${modelHash}`);
    }
  }

  /** Removes the passing line. */
  close(): void {
    this.#erase();
  }

  #joined({ client, description, examples, privacy }: Extract<ClientReport, { type: "joined" }>): void {
    const { algorithm, model, rounds, population, stages, partition } = description;
    const evaluates = (partition?.holdout ?? 0) > 0 ? ", and sums of loss and score on examples held out" : "";
    const noise = stages.privacy === undefined ? "" : ` Updates are clipped here; noise: ${stages.privacy.noise}.`;
    this.#line(`Connected as client ${client} of ${formatCount(population)}.`);
    if (this.#described) return;
    this.#described = true;
    this.#note(
      `  trains ${model.name} by ${algorithm.name} on ${formatPlural(examples, "example")}, up to ${formatPlural(rounds, "round")}`,
    );
    const updates = "model updates, their mean loss and the number of examples";
    const sent =
      stages.secureAggregation === undefined
        ? `${updates}${evaluates}`
        : privacy === undefined
          ? `masked ${updates}: the server sees their sums`
          : "masked model updates with noise: the server sees their sum";
    this.#note(`  sent: ${sent}.${noise}`);
    if (privacy !== undefined) for (const line of describePrivacy(privacy)) this.#note(`  ${line}`);
    this.#note("  stays here: the examples, this client's key, and states that a method keeps between rounds.");
  }

  #progress(order: string, phase: string, share: number): void {
    const key = `${order} ${phase}`;
    if (key !== this.#phase) this.#since = performance.now();
    const seconds = (performance.now() - this.#since) / 1000;
    const done = share > 0 ? formatPercent(share, 0) : seconds < 1 ? "" : formatSeconds(seconds);
    const line = `${nameOf(order)}: ${phase} ${done}`.trimEnd();
    if (process.stdout.isTTY) {
      if (this.#output.quiet) return;
      this.#erase();
      writePassing(process.stdout, line);
      this.#passing = line;
    } else if (key !== this.#phase) this.#note(line);
    this.#phase = key;
  }

  /** A result, also with --quiet. */
  #line(text: string): void {
    this.#erase();
    this.#output.print(text);
  }

  #note(text: string): void {
    this.#erase();
    if (!this.#output.quiet) this.#output.print(text);
  }

  #erase(): void {
    if (this.#passing === undefined) return;
    eraseLine(process.stdout);
    this.#passing = undefined;
  }
}

/** What the client's own noise and that of the others guarantee, and what that assumes. */
function describePrivacy({ epsilon, delta, rounds, shares, colluding }: ClientPrivacy): readonly string[] {
  return [
    `privacy: epsilon at most ${boundText(epsilon)} at delta ${delta} over ${formatPlural(rounds, "round")}, also against the server.`,
    "It compares this client's updates with zeros in their place. That the client takes part is public.",
    `assumed: ${formatPlural(shares, "client")} in each sum add their noise, and the server makes up no clients.`,
    `If ${formatPlural(colluding.clients, "client")} of these add none or work with the server, epsilon is ${boundText(colluding.epsilon)}.`,
  ];
}

/** "3/7/0" as "round 3", and a message of secure aggregation likewise; an evaluation keeps its name. */
function nameOf(order: string): string {
  const match = /^(\d+)\/\d+\/[0-9a-f]+$/.exec(order);
  return match === null ? "evaluation" : `round ${match[1]}`;
}
