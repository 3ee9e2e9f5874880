import { basename } from "node:path";
import { readCitations, TEST_NODES, type TrainTest } from "@anabranch/core/readers";
import type { DatasetPath } from "./dataset-name.ts";
import type { FileAccess } from "./file-access.ts";
import { split } from "./local-split.ts";
import { type DataPlaces, findPath } from "./places.ts";

/** A graph from a file NAME.content, and NAME.cites beside it. */
export async function loadGraph(from: DatasetPath, places: DataPlaces, files: FileAccess): Promise<TrainTest> {
  const dataset = `${from.kind}:${from.path}`;
  const content = await findPath(places, from.path, dataset);
  const name = content.replace(/\.content$/, "");
  const cites = await findPath(places, `${name}.cites`, dataset);
  const graph = readCitations({ content: await files.read(content), cites: await files.read(cites) }, { name });
  return split({ ...graph, name: basename(name) }, from, TEST_NODES);
}
