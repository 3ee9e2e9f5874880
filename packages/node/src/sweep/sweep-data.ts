import { type Config, openFederation } from "@anabranch/core";
import { loadData } from "../run/configured.ts";

type Data = Awaited<ReturnType<typeof loadData>>;

/** The data of a sweep's runs. */
export interface SweepData {
  /** The data set that a configuration names. */
  load(config: Config): Promise<Data>;
  /** Hash of that data set and of who holds what of it, as `run.started` has it. */
  hash(config: Config): Promise<string>;
}

/** Loads and hashes data as runs would, but what several runs share only once. */
export function openSweepData(dataDir: string | undefined): SweepData {
  const load = once(datasetKey, (config) => loadData(config, ".", dataDir ?? config.data.dataDir));
  const hash = once(
    ({ data, seed }) => JSON.stringify([data, seed]),
    async (config) => openFederation(config, await load(config)).hash,
  );
  return { load, hash };
}

function once<T>(
  key: (config: Config) => string,
  make: (config: Config) => Promise<T>,
): (config: Config) => Promise<T> {
  const made = new Map<string, Promise<T>>();
  return (config) => {
    const known = made.get(key(config)) ?? make(config);
    made.set(key(config), known);
    return known;
  };
}

/** The same for configurations that load the same data; computed clients depend on the seed and all options. */
function datasetKey({ data, seed }: Config): string {
  const { dataset, file, dataDir } = data;
  return JSON.stringify(dataset === "synthetic" && file === undefined ? [data, seed] : [dataset, file, dataDir]);
}
