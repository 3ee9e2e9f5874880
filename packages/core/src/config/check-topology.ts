import { checkUnused, conflict } from "./check.ts";
import type { Locate } from "./issues.ts";
import type { Config } from "./schema.ts";

/**
 * Refuses a topology beside what needs a server, and keys that it does not read. Throws `config/conflict`; what needs the
 * number of nodes is refused where the run is prepared.
 */
export function checkTopology(config: Config, locate: Locate): void {
  const { topology, privacy, secureAggregation, schedule, aggregation, compression, rounds, data } = config;
  const at = (key: string) => locate(["topology", key]);
  if (topology.name === "none") {
    const advice = 'Set topology.name, e.g. to "ring", or remove this key.';
    checkUnused(config, ["topology", "name"], {}, advice, locate);
    return;
  }
  const received = (value: string) => `${value}, with topology.name = "${topology.name}"`;
  const refuse = (path: string[], value: string, expected: string, advice: string) => {
    throw conflict(locate(path), received(value), expected, advice);
  };
  // 0: one node for each owner, which is known with the data
  if (data.clients === 1)
    refuse(["data", "clients"], `${data.clients}`, "at least 2", "A node needs another one: set data.clients.");
  if (privacy.mechanism !== "none") {
    const advice = "A node shows its model to its neighbours, which no guarantee here covers. Remove [privacy].";
    refuse(["privacy", "mechanism"], `"${privacy.mechanism}"`, '"none"', advice);
  }
  if (secureAggregation.protocol !== "none") {
    const advice = "Nodes need the models of single neighbours, which it would hide. Remove [secureAggregation].";
    refuse(["secureAggregation", "protocol"], `"${secureAggregation.protocol}"`, '"none"', advice);
  }
  const { rule = "mean", before = [] } = aggregation;
  if (rule !== "mean" || before.length > 0) {
    const advice = 'A rule is for a server. Nodes that leave others out: algorithm.name = "monna" or "scclip".';
    refuse(["aggregation", rule === "mean" ? "before" : "rule"], `"${rule}"`, '"mean"', advice);
  }
  if (compression.up.length > 0) {
    const advice = "Compressed uploads are for a server. Nodes send changes in few bits: algorithm.quantiserBits.";
    refuse(["compression", "up"], `${compression.up.length} operators`, "none", advice);
  }
  if (schedule.name !== undefined && schedule.name !== "synchronous") {
    const advice = "Nodes mix at the end of a round, which all of them have to reach. Remove schedule.name.";
    refuse(["schedule", "name"], `"${schedule.name}"`, '"synchronous"', advice);
  }
  const fromFile = topology.name === "edges" || topology.name === "matrix";
  if (fromFile !== (topology.file !== undefined)) {
    const advice = fromFile ? "Name the CSV file." : 'Remove topology.file, or set topology.name = "edges".';
    throw conflict(at("file"), received(topology.file ?? "nothing"), fromFile ? "a path" : "nothing", advice);
  }
  const { averageFrom, averageTo = rounds } = topology;
  if (averageFrom === undefined && topology.averageTo !== undefined)
    throw conflict(at("averageFrom"), "nothing", `a round up to ${averageTo}`, "Set both, or only averageFrom.");
  if ((averageFrom ?? 1) > averageTo)
    throw conflict(at("averageFrom"), `${averageFrom}`, `at most ${averageTo}`, "A window ends after it begins.");
}
