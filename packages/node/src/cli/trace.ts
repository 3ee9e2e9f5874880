import { readFile } from "node:fs/promises";
import { AnabranchError, nearest, traceProblem, traceQuadratics } from "@anabranch/core";

/** `npm run --silent trace -- problem.json`: prints the global parameters after every round as JSON. */
async function main(file: string | undefined): Promise<void> {
  if (file === undefined) {
    throw new AnabranchError({
      code: "trace/usage",
      message: "no problem file was given",
      expected: "npm run --silent trace -- problem.json",
    });
  }
  const parsed = traceProblem.safeParse(JSON.parse(await readFile(file, "utf8")));
  if (!parsed.success) {
    const { issues } = parsed.error;
    const issue = issues.find((i) => i.code === "unrecognized_keys") ?? issues[0]!;
    const unknown = issue.code === "unrecognized_keys" ? issue.keys[0] : undefined;
    const near = unknown === undefined ? undefined : nearest(unknown, Object.keys(traceProblem.shape));
    throw new AnabranchError({
      code: unknown === undefined ? "trace/invalid" : "trace/unknown-key",
      message: issue.message,
      where: [file, ...issue.path].join("."),
      ...(near === undefined ? {} : { advice: `Did you mean "${near}"?` }),
    });
  }
  const { rounds } = await traceQuadratics(parsed.data);
  console.log(JSON.stringify({ rounds }));
}

main(process.argv[2]).catch((error: unknown) => {
  console.error(error instanceof AnabranchError ? `${error.code}: ${error.message}` : error);
  process.exitCode = 2;
});
