/**
 * Gradient codes against stragglers: when 256 workers finish 200 gradient jobs on a simulated clock, where some workers are
 * slow for a few rounds at a time. `node experiments/coding/stragglers.ts` prints the finish times.
 *
 * A round takes a worker BASE + load * WORK seconds, and SLOW times as long while it straggles. A worker starts to straggle
 * with probability START in a round and stops with probability STOP. The master waits for all workers (uncoded), for the
 * n - s fastest (gradient code), or until the job that is due can be decoded (sequential codes). All numbers follow from
 * the seed.
 */
import {
  type BurstyModel,
  deriveKey,
  Multiplexed,
  randomStream,
  rootKey,
  SelectiveRepeat,
  type SequentialScheme,
  VirtualClock,
} from "@anabranch/core";

const [WORKERS, JOBS] = [256, 200];
/** Seconds: of a round without work, and of one job on one worker. */
const [BASE, WORK] = [1.5, 60];
const [START, STOP, SLOW] = [0.02, 0.95, 4];
/** Workers slower than the fastest one by more than this share are late. */
const TOLERANCE = 0.15;
const SEEDS = [1, 2, 3];

/** Rounds of slow workers and small differences in speed, as (worker, round) -> factor on the duration. */
function trace(seed: number, rounds: number): Float64Array[] {
  const slow = new Uint8Array(WORKERS);
  const stream = randomStream(deriveKey(rootKey(seed), "stragglers"));
  return Array.from({ length: rounds }, () =>
    Float64Array.from({ length: WORKERS }, (_, worker) => {
      slow[worker] = stream.float() < (slow[worker] === 1 ? 1 - STOP : START) ? 1 : 0;
      return (slow[worker] === 1 ? SLOW : 1) * (1 + 0.1 * stream.float());
    }),
  );
}

/** Arrivals of a round, in order. */
function* arrivals(clock: VirtualClock<number>, factors: Float64Array, load: number) {
  for (const [worker, factor] of factors.entries()) {
    clock.expect(worker, Math.round(factor * (BASE + load * WORK) * 1e6));
  }
  for (let event = clock.next(); event !== undefined; event = clock.next()) {
    if (event.kind === "arrival") yield { worker: event.work, at: event.at };
  }
}

/** Microseconds at which a round ends that waits for so many workers. */
function waitFor(count: number, now: number, factors: Float64Array, load: number): number {
  let arrived = 0;
  for (const { at } of arrivals(new VirtualClock<number>(now), factors, load)) if (++arrived === count) return at;
  return now;
}

function fixedCount(seed: number, stragglers: number): number {
  const load = (stragglers + 1) / WORKERS;
  return trace(seed, JOBS).reduce((now, factors) => waitFor(WORKERS - stragglers, now, factors, load), 0);
}

/** Rounds end without late workers as soon as the job that is due can be decoded. */
function sequential<Task>(seed: number, scheme: SequentialScheme<Task>): number {
  let now = 0;
  for (const factors of trace(seed, scheme.rounds)) {
    const out = new Set(factors.keys());
    let patience = 0;
    let end = now;
    for (const { worker, at } of arrivals(new VirtualClock<number>(now), factors, scheme.load)) {
      if (patience === 0) patience = now + (1 + TOLERANCE) * (at - now);
      if (at > patience && scheme.mayEnd(out)) {
        end = Math.max(end, Math.round(patience));
        break;
      }
      out.delete(worker);
      end = at;
    }
    now = end;
    scheme.endRound(out);
  }
  const lost = scheme.finished.filter((round) => round === null).length;
  if (lost > 0) throw new Error(`${scheme.name} has not finished ${lost} jobs`);
  return now;
}

const repeated: BurstyModel = { burst: 2, window: 3, most: 23 };
const multiplexed: BurstyModel = { burst: 1, window: 2, most: 27 };
const sizes = { workers: WORKERS, jobs: JOBS };
const schemes: Readonly<Record<string, { readonly load: number; finish(seed: number): number }>> = {
  uncoded: { load: 1 / WORKERS, finish: (seed) => fixedCount(seed, 0) },
  "GC (s = 15)": { load: 16 / WORKERS, finish: (seed) => fixedCount(seed, 15) },
  "SR-SGC (2, 3, 23)": {
    load: new SelectiveRepeat({ ...sizes, ...repeated }).load,
    finish: (seed) => sequential(seed, new SelectiveRepeat({ ...sizes, ...repeated })),
  },
  "M-SGC (1, 2, 27)": {
    load: new Multiplexed({ ...sizes, ...multiplexed }).load,
    finish: (seed) => sequential(seed, new Multiplexed({ ...sizes, ...multiplexed })),
  },
};

console.log(`${JOBS} jobs on ${WORKERS} workers; seconds until all are finished, by seed`);
console.log(["scheme".padEnd(20), "load".padStart(8), ...SEEDS.map((seed) => `seed ${seed}`.padStart(9))].join(" "));
for (const [name, { load, finish }] of Object.entries(schemes)) {
  const times = SEEDS.map((seed) => (finish(seed) / 1e6).toFixed(0).padStart(9));
  console.log([name.padEnd(20), load.toFixed(4).padStart(8), ...times].join(" "));
}
