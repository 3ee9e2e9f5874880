import { inspect } from "node:util";
import { AnabranchError, runGolden } from "@anabranch/core";
import { writeLines } from "../terminal/terminal-text.ts";
import { readJsonFile } from "./json-file.ts";

/** Exit status where an operation is not there yet, and where a case is refused. */
const NOT_THERE = 3;
const REFUSED = 2;

/**
 * `npm run --silent golden -- FILE`: prints the output of a golden case as JSON; of a list of cases (or of a file with
 * `cases`) a list, in which a refused case stands as `{"error": true, "code", "message"}`.
 */
async function main(file: string | undefined): Promise<void> {
  if (file === undefined) {
    throw new AnabranchError({
      code: "golden/usage",
      message: "no case file given",
      expected: "npm run --silent golden -- FILE",
    });
  }
  const source: unknown = await readJsonFile(file, "golden");
  const cases = listed(source);
  if (cases === undefined) {
    const output = await outcome(source);
    console.log(JSON.stringify(output, jsonNumber));
    return;
  }
  const outputs: object[] = [];
  for (const each of cases) outputs.push(await outcome(each));
  console.log(JSON.stringify(outputs, jsonNumber));
}

function listed(source: unknown): readonly unknown[] | undefined {
  if (Array.isArray(source)) return source;
  if (typeof source !== "object" || source === null || !("cases" in source)) return undefined;
  return Array.isArray(source.cases) ? source.cases : undefined;
}

/** The output, or the refusal as data; the worst refusal decides the exit status. */
async function outcome(source: unknown): Promise<object> {
  try {
    return await runGolden(source);
  } catch (error) {
    if (!(error instanceof AnabranchError)) throw error;
    writeLines(process.stderr, [`${error.code}: ${error.message}`]);
    const status = error.code === "golden/operation" ? NOT_THERE : REFUSED;
    process.exitCode = Math.max(Number(process.exitCode ?? 0), status);
    return { error: true, code: error.code, message: error.message };
  }
}

/** JSON has no numbers that are not finite: they stand as strings. */
function jsonNumber(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

main(process.argv[2]).catch((error: unknown) => {
  const text = error instanceof AnabranchError ? `${error.code}: ${error.message}` : inspect(error);
  writeLines(process.stderr, text.split("\n"));
  process.exitCode = REFUSED;
});
