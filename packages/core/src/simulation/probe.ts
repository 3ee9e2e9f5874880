import type { Executor } from "@anabranch/engine";
import { graphInputs } from "../client/client-graph.ts";
import { type DataSpec, openDataSource } from "../client/data-source.ts";
import { compileProbe } from "../client/probe-programs.ts";
import type { ClientData } from "../client/run-client.ts";
import { parameterInputs } from "../client/vectors.ts";
import { selectTensorRows } from "../data/index.ts";
import type { Probe } from "../metrics/flatness.ts";
import type { FlatnessSettings } from "../metrics/settings.ts";
import type { Vector } from "../params/vector.ts";
import { deriveKey, permutation, randomStream, rootKey, sampleWithoutReplacement } from "../random/index.ts";
import type { PreparedRun } from "./prepare.ts";

/** A probe that holds programs and data. */
export interface OpenProbe extends Probe {
  close(): Promise<void>;
}

/**
 * Opens what looks at simulated clients' losses, on this thread; undefined where the run does not ask for it. Which clients
 * and which of their examples is drawn from the run's seed once, and then the same in every round.
 *
 * @example
 * ```ts
 * import { openProbe } from "@anabranch/core";
 * import { smallRun } from "@anabranch/core/conformance";
 * import { interpreter } from "@anabranch/engine";
 * const { prepared } = smallRun({ name: "fedavg" }, { diagnostics: { flatness: true, clients: 2 } });
 * const probe = await openProbe(prepared, interpreter());
 * probe?.clients; // => 2
 * (await probe?.loss(0, prepared.plan.initial))?.toFixed(4); // => "1.4012"
 * await probe?.close();
 * ```
 */
export async function openProbe(
  { plan, simulation, model }: PreparedRun,
  executor: Executor,
): Promise<OpenProbe | undefined> {
  const settings = plan.diagnostics?.flatness;
  if (settings === undefined) return undefined;
  const { layout } = plan;
  const programs = compileProbe(model, layout, settings.radius);
  const batches = fixedBatches(simulation.train, settings, plan.seed);
  if (batches.length === 0) return undefined;
  const loss = await executor.load(programs.loss);
  const gradient = await executor.load(programs.gradient);
  const inputs = (client: number, parameters: Vector) => ({
    ...parameterInputs("parameters", parameters, layout),
    "data/features": batches[client]!.features,
    "data/labels": batches[client]!.labels,
    ...graphInputs(batches[client]!.graph),
  });
  const memory: Vector = plan.float === "float64" ? new Float64Array(layout.size) : new Float32Array(layout.size);
  return {
    clients: batches.length,
    async loss(client, parameters) {
      const outputs = await loss.run(inputs(client, parameters));
      return outputs["loss"]!.data[0]!;
    },
    async gradient(client, parameters) {
      const outputs = await gradient.run(inputs(client, parameters));
      for (const { name, offset } of layout.entries) memory.set(outputs[`gradient/${name}`]!.data, offset);
      return {
        loss: outputs["loss"]!.data[0]!,
        perturbedLoss: outputs["perturbedLoss"]!.data[0]!,
        gradient: memory,
      };
    },
    async close() {
      await loss.release();
      await gradient.release();
    },
  };
}

/** Some examples of some clients; those without examples are passed over. */
function fixedBatches(spec: DataSpec, { clients, batch }: FlatnessSettings, seed: number): readonly ClientData[] {
  const key = deriveKey(rootKey(seed), "diagnostics");
  const source = openDataSource(spec);
  const chosen = sampleWithoutReplacement(randomStream(key), source.clients, Math.min(clients, source.clients));
  return Array.from(chosen).flatMap((client) => {
    const { features, labels, graph } = source.load(client);
    const rows = permutation(randomStream(deriveKey(key, client)), features.shape[0]!).subarray(0, batch);
    if (rows.length === 0) return [];
    return [{ features: selectTensorRows(features, rows), labels: selectTensorRows(labels, rows), graph }];
  });
}
