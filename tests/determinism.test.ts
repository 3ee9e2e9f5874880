import { expect, it } from "vitest";
import { killedAndResumed, undisturbed } from "./crash.ts";

const hashes = new Map<string, Promise<string>>();

/** Final model hash of an in-process run, which several tests compare with; computed once. */
function inProcess(algorithm: string): Promise<string> {
  const hash = hashes.get(algorithm) ?? undisturbed(algorithm, 0, {}, "narrow").then((run) => run.hash);
  hashes.set(algorithm, hash);
  return hash;
}

/**
 * The layers of the W1 model, with dropout, at a tenth of its width; SCAFFOLD keeps state on clients, "combined" has a robust rule, personal
 * and frozen parameters and compressed updates, the nodes of MoNNA have models of their own.
 *
 * determinism.slow.test.ts has the whole model, each part and other methods at other numbers of workers; pool.test.ts has all numbers on
 * a small model.
 */
it.each([
  ["scaffold", 3],
  ["combined", 2],
  ["monna", 2],
])("the same bits for %s as in-process at %i workers", async (algorithm, workers) => {
  expect((await undisturbed(algorithm, workers, {}, "narrow")).hash).toBe(await inProcess(algorithm));
});

// determinism.slow.test.ts kills other runs, crash-everywhere.slow.test.ts kills at every event
it("the same bits of scaffold after kill -9 between evaluation and checkpoint", async () => {
  const resumed = await killedAndResumed("scaffold", 4, "narrow");
  expect(resumed).toEqual({ hash: await inProcess("scaffold"), rounds: [1, 2, 3] });
});
