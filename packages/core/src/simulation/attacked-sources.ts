import { attackTest, type DataAttack } from "../adversary/data-attack.ts";
import { arrayDataSpec, type DataSpec } from "../client/data-source.ts";
import { conflict } from "../config/check.ts";
import type { ConfiguredAttack } from "./configured-attack.ts";
import type { SimulationSources } from "./simulation-spec.ts";

/** The data of a run with what attackers do to theirs, and the examples that show whether it works. */
export function attackedSources(
  sources: SimulationSources,
  attack: ConfiguredAttack | undefined,
  evaluationBatch: number,
): SimulationSources {
  if (attack?.data === undefined) return sources;
  if (sources.train.stream !== undefined)
    throw conflict(
      "attack.name",
      `"${attack.description.name}", with a stream of tasks`,
      "an attack on updates",
      "Whether an attack on data works is measured on the test examples of one task.",
    );
  if (sources.train.kind === "arrays" && sources.train.graph !== undefined)
    throw conflict(
      "attack.name",
      `"${attack.description.name}", with a model of nodes`,
      "an attack on updates",
      "Attacks on data change single examples, and neighbours of a node see it, too. Choose one on updates, such as sign-flip.",
    );
  const poison = { clients: attack.clients, attack: attack.data };
  return {
    ...sources,
    train: { ...sources.train, poison },
    attackTest: testOf(sources.test, attack.data, evaluationBatch),
  };
}

function testOf(test: DataSpec, attack: DataAttack, size: number): DataSpec | undefined {
  if (test.kind !== "arrays") return undefined;
  const { features, labels, rows } = attackTest(test, attack);
  const chunks = Array.from({ length: Math.ceil(rows.length / size) }, (_, k) => rows.slice(k * size, (k + 1) * size));
  return arrayDataSpec(features, labels, chunks);
}
