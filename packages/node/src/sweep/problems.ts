import { printable } from "@anabranch/core";
import { AnabranchError, type Failure } from "@anabranch/engine";

/** One thing that is wrong with a sweep. */
export type Problem = Omit<Failure, "code" | "cause"> & { readonly code?: string };

/** One error for everything that is wrong, so that all of it can be corrected at once. */
export function sweepError(problems: readonly Problem[], where: string): AnabranchError {
  const [first] = problems;
  if (problems.length === 1) {
    const { code = "config/sweep", ...rest } = first!;
    return new AnabranchError({
      ...rest,
      code,
      where: first!.where === undefined ? where : `${where}, ${first!.where}`,
    });
  }
  return new AnabranchError({
    code: "config/sweep",
    message: `the sweep has ${problems.length} problems`,
    where,
    received: problems.map((problem, i) => printable(`${i + 1}. ${sentence(problem)}`)).join("\n"),
    advice: "Nothing was run. Correct them all and start again.",
  });
}

/** What a failed check says, for a place in the sweep; other errors are passed on. */
export function problemOf(error: unknown, place: string): Problem {
  if (!(error instanceof AnabranchError)) throw error;
  const { cause: _cause, where, ...rest } = error.failure;
  // a key that the sweep sets is no --set of the command line
  const inside = where?.replace(/^--set /, "");
  return { ...rest, where: inside === undefined ? place : `${place}, ${inside}` };
}

function sentence({ message, where, received, expected, advice }: Problem): string {
  const found = received === undefined ? "" : `: ${received}`;
  const wanted = expected === undefined ? "" : `; expected ${expected}`;
  return `${where === undefined ? "" : `${where}: `}${message}${found}${wanted}. ${advice ?? ""}`.trim();
}
