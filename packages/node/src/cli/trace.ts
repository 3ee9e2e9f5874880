import { inspect } from "node:util";
import { AnabranchError, nearest, traceProblem, traceQuadratics } from "@anabranch/core";
import { writeLines } from "../terminal/terminal-text.ts";
import { readJsonFile } from "./json-file.ts";

/**
 * `npm run --silent trace -- problem.json`: prints the global parameters after every round as JSON; of a list of problems a
 * list.
 */
async function main(file: string | undefined): Promise<void> {
  if (file === undefined) {
    throw new AnabranchError({
      code: "trace/usage",
      message: "no problem file given",
      expected: "npm run --silent trace -- problem.json",
    });
  }
  const source: unknown = await readJsonFile(file, "trace");
  if (!Array.isArray(source)) {
    console.log(JSON.stringify(await traced(source, file)));
    return;
  }
  const outputs: object[] = [];
  for (const [index, problem] of source.entries()) outputs.push(await traced(problem, `${file}[${index}]`));
  console.log(JSON.stringify(outputs));
}

/** Throws `trace/invalid` or `trace/unknown-key`. */
async function traced(problem: unknown, where: string): Promise<{ rounds: number[][] }> {
  const parsed = traceProblem.safeParse(problem);
  if (!parsed.success) {
    const { issues } = parsed.error;
    const issue = issues.find((i) => i.code === "unrecognized_keys") ?? issues[0]!;
    const unknown = issue.code === "unrecognized_keys" ? issue.keys[0] : undefined;
    const near = unknown === undefined ? undefined : nearest(unknown, Object.keys(traceProblem.shape));
    throw new AnabranchError({
      code: unknown === undefined ? "trace/invalid" : "trace/unknown-key",
      message: issue.message,
      where: [where, ...issue.path].join("."),
      ...(near === undefined ? {} : { advice: `Did you mean "${near}"?` }),
    });
  }
  const { rounds } = await traceQuadratics(parsed.data);
  return { rounds };
}

main(process.argv[2]).catch((error: unknown) => {
  const text = error instanceof AnabranchError ? `${error.code}: ${error.message}` : inspect(error);
  writeLines(process.stderr, text.split("\n"));
  process.exitCode = 2;
});
