import { describe, expect, it } from "vitest";
import { HEALTHY } from "../conformance/fault-source.ts";
import { SimulatedFederation } from "../conformance/simulated-federation.ts";
import { simulateSmall, smallRun, smallSimulation } from "../conformance/small-live-run.ts";
import { CLASSIFIED } from "../conformance/testing/classified.ts";
import { layout } from "../params/layout.ts";
import { traceFederation } from "../simulation/trace-federation.ts";
import { fedgh } from "./fedgh.ts";

/** The messages of clients on the points, [round][client]: counts of 3 classes, then their means of 3 features. */
async function messages(options: Parameters<typeof fedgh>[0]) {
  const sent: number[][] = [];
  await traceFederation(fedgh(options), CLASSIFIED, {
    onMessage: (message) => {
      if ("client" in message) sent.push(Array.from(message.vectors["classes"]!));
    },
  });
  return sent;
}

describe("fedgh", () => {
  it("leaves a fixed header alone with rate 0", async () => {
    const { rounds, trained } = await traceFederation(fedgh({ headerLearningRate: 0 }), CLASSIFIED);
    for (const header of rounds) expect(header).toEqual(CLASSIFIED.x0.slice(9));
    expect(trained.length).toBe(4);
  });

  it("has clients use the model that they trained", async () => {
    const { clients, rounds } = await traceFederation(fedgh(), CLASSIFIED);
    const kept = clients.at(-1)!.get(1)!;
    const global = Float64Array.from(rounds.at(-1)!);
    const model = layout([]);
    expect(fedgh().ownModel!(global, kept, model)).toEqual(kept["head"]);
    expect(kept["head"]).not.toEqual(global);
    expect(fedgh().ownModel!(global, undefined, model)).toBeUndefined();
  });

  it("learns from class means what the classes are", async () => {
    const cohorts = Array.from({ length: 40 }, () => [0, 1, 2, 3]);
    const { clients, server } = await traceFederation(fedgh({ headerLearningRate: 0.1 }), { ...CLASSIFIED, cohorts });
    const header = Array.from(server.vectors.parameters);
    let right = 0;
    for (const [k, x] of CLASSIFIED.points.entries()) {
      const body = clients.at(-1)!.get(CLASSIFIED.owners[k]!)!["personal"]!;
      const f = [0, 1, 2].map((j) => Math.max(0, body[j]! + x[0]! * body[3 + j]! + x[1]! * body[6 + j]!));
      const logits = [0, 1, 2].map((c) => header[c]! + f.reduce((sum, v, j) => sum + v * header[3 + 3 * j + c]!, 0));
      if (logits.indexOf(Math.max(...logits)) === CLASSIFIED.labels[k]) right++;
    }
    expect(right).toBeGreaterThanOrEqual(12); // of 15; the commonest class has 6
  });

  it("sends zeros of classes with too few examples", async () => {
    const all = await messages({ minimumCount: 1 });
    const some = await messages({ minimumCount: 2 });
    // client 1 has three examples of class 1 and one of class 2
    expect(all[1]!.slice(0, 3)).toEqual([0, 3, 1]);
    expect(some[1]!.slice(0, 3)).toEqual([0, 3, 0]);
    expect(all[1]!.slice(9)).not.toEqual([0, 0, 0]);
    expect(some[1]!.slice(9)).toEqual([0, 0, 0]);
    expect(some[1]!.slice(0, 9)).toEqual([0, 3, 0, ...all[1]!.slice(3, 9)]);
  });

  it("keeps its header where no client has enough examples", async () => {
    const { rounds } = await traceFederation(fedgh({ minimumCount: 99 }), CLASSIFIED);
    for (const header of rounds) expect(header).toEqual(CLASSIFIED.x0.slice(9));
  });

  it("continues where clients fail, and where all do", async () => {
    const { prepared } = smallSimulation({ name: "fedgh" }, { stop: { onClientFailure: "continue" } });
    const failure = { code: "client/absent", message: "gone" };
    const without = (left: readonly number[]) =>
      simulateSmall(prepared, (backend) => ({
        ...backend,
        async outcome(id) {
          const outcome = await backend.outcome(id);
          if (left.includes(outcome.client)) return outcome;
          return { client: outcome.client, failure, bytesDown: outcome.bytesDown, retried: false };
        },
      }));
    const [nobody, some] = [await without([]), await without([0, 2])];
    expect(nobody.parameters).toEqual(prepared.plan.initial);
    expect(some.parameters).not.toEqual(prepared.plan.initial);
  });

  it.each([
    [{ privacy: { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1, delta: 1e-3 } }, "data of the clients"],
    [{ secureAggregation: { protocol: "plain" } }, "a sum hides"],
    [{ aggregation: { rule: "median" } }, "combines single updates"],
    [{ aggregation: { clipNorm: 1 } }, "training.gradientClip"],
    [{ attack: { name: "sign-flip", attackers: [0] } }, "changes to a model"],
    [{ compression: { up: ["top-k density=0.1"] } }, "Statistics travel as they are"],
    [{ schedule: { name: "buffered" } }, "when all of them are there"],
  ])("refuses %j", (more, advice) => {
    expect(() => smallSimulation({ name: "fedgh" }, more as object)).toThrow(
      expect.objectContaining({ code: "config/conflict", message: expect.stringContaining(advice) }),
    );
  });

  it("ends with the same header in a live run, whose clients keep their bodies", async () => {
    const { config, prepared } = smallRun({ name: "fedgh" });
    const result = await new SimulatedFederation(config, prepared, 1, HEALTHY).run();
    expect(result.modelHash).toBe((await simulateSmall(prepared)).modelHash);
    expect(result.parameters).not.toEqual(prepared.plan.initial);
  });
});
