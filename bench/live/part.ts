import type { BenchResult } from "../lib/result.ts";

/** What one of the live benches adds to the result. */
export type Part = Omit<BenchResult, "name">;
