import type { Schedule } from "../schedule/index.ts";

/** An arrival: when, whose, on which version and how stale it is. */
export interface LoggedArrival {
  /** Seconds. */
  readonly time: number;
  readonly client: number;
  readonly baseVersion: number;
  readonly staleness: number;
}

/** What a schedule is told. */
export class ArrivalLog {
  /** Whose updates each step of the server took, and when it was. */
  readonly members: [client: number, staleness: number][][] = [];
  readonly times: number[] = [];
  readonly events: LoggedArrival[] = [];
  now = 0;
  #folded: [number, number][] = [];

  /** The same schedule, which is listened to. */
  watch(schedule: Schedule): Schedule {
    return {
      ...schedule,
      arrived: (state, arrival) => {
        const step = schedule.arrived(state, arrival);
        const { client, staleness } = arrival;
        this.now = arrival.time;
        const time = arrival.time / 1e6;
        this.events.push({ time, client, baseVersion: this.times.length - staleness, staleness });
        if (step.fold) this.#folded.push([client, staleness]);
        if (step.complete) this.#endStep(time);
        return step;
      },
      timer: (state, name, time) => {
        const step = schedule.timer(state, name, time);
        if (step.complete) this.#endStep(time / 1e6);
        return step;
      },
    };
  }

  #endStep(time: number): void {
    this.times.push(time);
    this.members.push(this.#folded);
    this.#folded = [];
  }
}
