import { AnabranchError } from "../../packages/core/src/index.ts";
import { mutate, randomFrom } from "./mutate.ts";
import type { FuzzedReader } from "./readers.ts";

/** What became of damaged files. */
export interface FuzzResult {
  /** Files that were read all the same. */
  read: number;
  /** Files refused with an AnabranchError, by code. */
  readonly refused: Record<string, number>;
  /** Everything else, by seed: the first few. */
  readonly crashes: string[];
}

/** Reads damaged files of the seeds `from` to `to`; each seed gives one file. */
export async function fuzz(reader: FuzzedReader, from: number, to: number, result: FuzzResult): Promise<void> {
  for (let seed = from; seed < to; seed++) {
    const random = randomFrom(seed);
    const bytes = mutate(reader.samples[seed % reader.samples.length]!, reader.samples, random);
    try {
      await reader.read(bytes);
      result.read++;
    } catch (error) {
      const code = error instanceof AnabranchError ? error.code : undefined;
      if (code === undefined) result.crashes.push(`seed ${seed}: ${String(error)}`);
      else result.refused[code] = (result.refused[code] ?? 0) + 1;
    }
  }
}
