/**
 * Prints golden traces as the oracles derive them: `node tests/oracles/derive.ts [method]`. For a new trace add it to
 * tests/fixtures/golden-traces.json with `"rounds": []`, and copy its rounds from what this prints.
 */
import { readFileSync } from "node:fs";
import { derive, type GoldenTraces } from "./index.ts";

const fixture = new URL("../fixtures/golden-traces.json", import.meta.url);
const golden = JSON.parse(readFileSync(fixture, "utf8")) as GoldenTraces;
const method = process.argv[2];
const chosen = golden.traces.filter(({ algorithm }) => method === undefined || algorithm.name === method);
if (chosen.length === 0) throw new Error(`tests/fixtures/golden-traces.json has no trace of ${method}`);
const derived = chosen.map((trace) => ({
  ...trace,
  rounds: derive(golden, trace).map((x) => x.map((value) => Number(value.toFixed(10)))),
}));
console.log(JSON.stringify(derived, null, 1));
