import type { RunEvent } from "../round/events.ts";
import type { RunPlan } from "../round/run-plan.ts";

/** Events that a server writes at once; the others wait in its memory. */
const WRITTEN_AT_ONCE = new Set<RunEvent["type"]>(["run.started", "round.finished", "run.stopped", "run.finished"]);

/** The log of a server that crashes: what was in memory is lost, and a resumed run drops what it will do again. */
export class SimulatedLog {
  readonly events: RunEvent[] = [];
  #written = 0;

  append(event: RunEvent): void {
    this.events.push(event);
    if (WRITTEN_AT_ONCE.has(event.type)) this.flush();
  }

  /** Before a checkpoint is written. */
  flush(): void {
    this.#written = this.events.length;
  }

  crash(): void {
    this.events.length = this.#written;
  }

  /** @param round of the checkpoint that the run continues from */
  resume(round: number): void {
    const kept = this.events.filter(
      (event) => event.type === "run.started" || (event.type !== "run.finished" && (roundOf(event) ?? 0) <= round),
    );
    this.events.splice(0, this.events.length, ...kept);
    this.#written = kept.length;
  }

  /**
   * What is wrong with the log of a run that ended after so many rounds.
   *
   * @param plan says which rounds are evaluated: the last planned one too, but not one at which clients that fail end a run
   */
  flaws(rounds: number, plan: Pick<RunPlan, "rounds" | "evaluateEvery">): string[] {
    const flaws: string[] = [];
    const all = Array.from({ length: rounds }, (_, i) => i + 1);
    const evaluated = all.filter((round) => round % plan.evaluateEvery === 0 || round === plan.rounds);
    for (const type of ["round.started", "round.finished", "evaluation"] as const) {
      const found = this.events.flatMap((event) => (event.type === type ? [event.round] : []));
      const expected = type === "evaluation" ? evaluated : all;
      if (found.join() !== expected.join()) flaws.push(`the log has "${type}" of rounds ${found}, not of ${expected}`);
    }
    const once = new Set<string>();
    let starts = 0;
    for (const event of this.events) {
      if (event.type === "run.started") starts++;
      if (event.type === "run.started" || event.type === "run.warning") continue;
      // a server that died when it had stopped starts, and stops again
      const about = event.type === "run.stopped" ? `at start ${starts}` : "client" in event ? event.client : "";
      const what = [event.type, roundOf(event), about].join(" ");
      if (once.has(what)) flaws.push(`the log has "${what}" twice`);
      once.add(what);
    }
    return flaws;
  }
}

function roundOf(event: RunEvent): number | undefined {
  return "round" in event && typeof event.round === "number" ? event.round : undefined;
}
