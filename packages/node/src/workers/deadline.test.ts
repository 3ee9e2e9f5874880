import { setEnvironmentData } from "node:worker_threads";
import { hashVector, type Outcome, prepareQuadratics, scaffold } from "@anabranch/core";
import { runCohort } from "@anabranch/core/conformance";
import { interpreter } from "@anabranch/engine";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { abandonedThreads } from "./abandoned-threads.ts";
import { WorkerPool } from "./pool.ts";

/** Threads that hang: the clock of deadlines stands still until a test moves it, so that only what hangs is late. */
const TIMEOUT_MS = 2_000;
const clients = 6;
const problem = {
  a: Array.from({ length: clients }, (_, i) => [1 + (i % 3), 2, 0.5 + i / 4]),
  b: Array.from({ length: clients }, (_, i) => [i - 4, 1, -i / 2]),
  ...{ x0: [0, 0, 0], learningRate: 0.1, localSteps: 3, cohorts: [[0]] },
};
const { simulation } = prepareQuadratics(scaffold(), problem, interpreter());
const script = new URL("./testing/stuck-worker.ts", import.meta.url);
const gate = new Int32Array(new SharedArrayBuffer(8));
const nextTurn = () => new Promise<void>((resolve) => void setImmediate(resolve));

beforeEach(() => {
  gate.fill(0);
  setEnvironmentData("gate", gate.buffer);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => vi.useRealTimers());

async function start(hanging: number): Promise<WorkerPool> {
  gate[0] = hanging;
  return WorkerPool.start(simulation, { executor: "interpreter", workers: 1, taskTimeoutMs: TIMEOUT_MS, script });
}

/** Moves the clock to the deadline once `left` tasks are still to hang. */
async function missDeadline(left: number): Promise<void> {
  while (Atomics.load(gate, 0) !== left) await nextTurn();
  vi.advanceTimersByTime(TIMEOUT_MS);
}

function openGate(): void {
  Atomics.store(gate, 1, 1);
  Atomics.notify(gate, 1);
}

/** An outcome with the hash of its update, which the slot does not hold for long. */
type Hashed = Outcome & { readonly hash?: string };

/** A round whose broadcast has this value everywhere; `during` is awaited while the first updates lie in their slots. */
async function round(pool: WorkerPool, value: number, during?: () => Promise<void>): Promise<Hashed[]> {
  const vectors = { parameters: new Float64Array(3).fill(value), control: new Float64Array(3) };
  const cohort = Array.from({ length: clients }, (_, i) => i);
  const work = { cohort, learningRate: 0.1, broadcast: { round: 1, vectors, scalars: {} } };
  const outcomes: Hashed[] = [];
  await runCohort(pool, work, async (one) => {
    if (outcomes.length === 0) await during?.();
    outcomes.push("update" in one ? { ...one, hash: hashVector(one.update.vectors["delta"]!) } : one);
  });
  return outcomes;
}

const hashes = (outcomes: readonly Hashed[]) => outcomes.map(({ hash }) => hash);

describe("a worker that gives no answer in time", () => {
  it("is given up and replaced; what it writes later reaches nobody, and it ends by itself", async () => {
    const pool = await start(1);
    const [stuck] = pool.threads;
    const first = round(pool, 1);
    await missDeadline(0);
    const retried = await first;
    expect(retried.map((one) => one.retried)).toEqual([true, true, false, false, false, false]);
    expect(pool.takeWarnings()).toEqual([
      { code: "worker/lost", message: expect.stringMatching(/another has taken its place: no answer within 2 s\./) },
    ]);
    expect(pool.takeWarnings()).toEqual([]);
    expect(abandonedThreads()).toBe(1);

    const second = await round(pool, 2, async () => {
      openGate();
      await stuck!.close(); // it has now trained its two clients of the first round
    });
    expect(abandonedThreads()).toBe(0);
    await pool.close();

    const sound = await start(0);
    expect(new Set(hashes(retried)).size).toBe(clients);
    expect(hashes(retried)).toEqual(hashes(await round(sound, 1)));
    expect(hashes(second)).toEqual(hashes(await round(sound, 2)));
    await sound.close();
  });

  it("twice fails its clients; one that never comes back does not hold up the end", async () => {
    const pool = await start(2);
    const outcomes = round(pool, 1);
    await missDeadline(1);
    await missDeadline(0);
    expect((await outcomes).slice(0, 3)).toMatchObject([
      { client: 0, retried: true, failure: { code: "worker/lost", message: "no answer within 2 s, twice" } },
      { client: 1, retried: true, failure: { code: "worker/lost" } },
      { client: 2, retried: false, update: {} },
    ]);
    const threads = pool.threads;
    const closed = pool.close();
    while (threads[0]!.lost === undefined) await nextTurn(); // the sound one has ended
    vi.advanceTimersByTime(5_000);
    await closed;
    expect(abandonedThreads()).toBe(2);
    openGate();
    while (abandonedThreads() > 0) await nextTurn();
  });

  it("ends the start of a pool", async () => {
    const starting = start(0);
    vi.advanceTimersByTime(TIMEOUT_MS); // before any thread can have answered
    await expect(starting).rejects.toMatchObject({ code: "worker/lost", failure: { message: "no answer within 2 s" } });
    while (abandonedThreads() > 0) await nextTurn();
  });
});
