import type { LenientEvent } from "@anabranch/core";
import { formatPlural } from "../format.ts";

/** Something that happened, for people. */
export interface LogLine {
  readonly id: number;
  readonly at: string;
  readonly text: string;
  readonly bad: boolean;
}

/** What an event says to people; undefined: nothing. */
export function lineOf(event: LenientEvent): Pick<LogLine, "text" | "bad"> | undefined {
  const good = (text: string) => ({ text, bad: false });
  const bad = (text: string) => ({ text, bad: true });
  const number = (value: number) => (Number.isFinite(value) ? value.toFixed(4) : "not measured");
  switch (event.type) {
    case "run.started":
      return good(
        event.resumedFrom === undefined ? "The run has started." : `Resumed after round ${event.resumedFrom}.`,
      );
    case "round.started":
      return good(`Round ${event.round} has started with ${formatPlural(event.cohort.length, "client")}.`);
    case "round.finished":
      return good(
        `Round ${event.round}: ${formatPlural(event.clients, "update")} aggregated, training loss ${number(event.loss)}.`,
      );
    case "evaluation":
      return good(
        `Round ${event.round}: test loss ${number(event.loss)}, ${event.rmse === undefined ? `accuracy ${number(event.accuracy)}` : `RMSE ${number(event.rmse)}`}.`,
      );
    case "client.failed":
      return bad(`Round ${event.round}: client ${event.client} failed: ${event.message}`);
    case "run.warning":
      return bad(event.message);
    case "run.stopped":
      return bad(`The run has stopped after round ${event.round}: ${event.message}`);
    case "run.finished":
      return good(`The run has ended after ${formatPlural(event.rounds, "round")}.`);
    default:
      return undefined;
  }
}
