import { loadShippedDataset, type RandomKey, readCsv, readImageFolder } from "@anabranch/core";
import {
  imageReading,
  type LocalExamples,
  ownExamples,
  sharedExamples,
  type TaskDescription,
  tableReading,
} from "@anabranch/core/live";
import { AnabranchError } from "@anabranch/engine";
import { connectionLost } from "./connection-lost.ts";
import type { DataSource } from "./messages.ts";

/**
 * What a browser client trains on. Files are read here and stay here.
 *
 * @param api address of the run's routes
 * @throws `client/demo-data` where the server gives out no data, and what readers, `ownExamples` and `sharedExamples` throw
 */
export async function localExamples(
  source: DataSource,
  api: string,
  holdoutKey: RandomKey,
  description: TaskDescription,
  client: number,
): Promise<LocalExamples> {
  switch (source.kind) {
    case "demo": {
      const shared = description.partition;
      const dataset = shared?.dataset;
      if (shared === undefined || dataset === undefined) throw noDemoData(description.data.name);
      const data = await loadShippedDataset(dataset, (file) => demoFile(api, file, dataset));
      return sharedExamples(data, description, shared, client);
    }
    case "csv": {
      const { file, label } = source;
      return ownExamples(
        readCsv(await bytesOf(file), { name: file.name, label, ...tableReading(description.data) }),
        description,
        holdoutKey,
      );
    }
    case "images": {
      const files = await Promise.all(
        source.files.map(async ({ path, file }) => ({ path, bytes: await bytesOf(file) })),
      );
      const [channels, height, width] = imageReading(description.data) ?? [];
      const size = height === undefined || width === undefined ? {} : { size: { width, height } };
      const name = source.files[0]?.path.split("/")[0] ?? "images";
      return ownExamples(
        await readImageFolder(files, { name, channels: channels === 1 ? 1 : 3, ...size }),
        description,
        holdoutKey,
      );
    }
  }
}

async function bytesOf(file: File): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch (cause) {
    throw new AnabranchError({
      code: "data/file",
      message: "the browser cannot read the file",
      where: file.name,
      received: cause instanceof Error ? cause.message : String(cause),
      advice: "It may have changed since you chose it: choose it again.",
      cause,
    });
  }
}

async function demoFile(api: string, file: string, dataset: string): Promise<Uint8Array> {
  const url = `${api}/demo-data/${file}`;
  try {
    const response = await fetch(url);
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    throw connectionLost(url, cause);
  }
  throw noDemoData(dataset);
}

function noDemoData(dataset: string): AnabranchError {
  return new AnabranchError({
    code: "client/demo-data",
    message: "the server gives out no data for this run",
    received: `the data set ${dataset}`,
    advice: "Choose files of your own, or ask the operator to start the server with --demo-data.",
  });
}
