import { type Algorithm, AnabranchError, type Model } from "@anabranch/core";
import { importLocal } from "../data/import-local.ts";

/** The members that a made value must have, and of which type. */
type Members = Readonly<Record<string, "string" | "function" | "object">>;

const PARTS = {
  model: {
    what: "a model",
    members: { name: "string", parameters: "object", features: "object", labels: "object", forward: "function" },
  },
  algorithm: {
    what: "an algorithm",
    members: { name: "string", exchange: "function", init: "function", client: "object", update: "function" },
  },
} as const satisfies Record<string, { what: string; members: Members }>;

interface Made {
  readonly model: Model;
  readonly algorithm: Algorithm;
}

/**
 * The model or algorithm that the default export of an operator's own file makes from options.
 *
 * @param base what a relative path starts from
 * @throws `local/*` as `importLocal`; `local/export` where the export is no function or makes something else,
 *   `local/failed` where it throws
 */
export async function ownPart<P extends keyof Made>(
  part: P,
  file: string,
  options: Readonly<Record<string, unknown>>,
  base: string,
): Promise<Made[P]> {
  const { what, members } = PARTS[part];
  const expected = `a function that returns ${what}: an object with ${Object.keys(members).join(", ")}`;
  const make = await importLocal(file, { what, expected }, base);
  if (typeof make !== "function") throw wrong(`the default export of the file with ${what}`, file, make, expected);
  let made: unknown;
  try {
    made = make(options);
  } catch (cause) {
    if (cause instanceof AnabranchError) throw cause;
    throw new AnabranchError({
      code: "local/failed",
      message: `the function that makes ${what} has failed`,
      where: file,
      received: cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause),
      advice: `It was called with the other keys of the section: ${JSON.stringify(options)}.`,
      cause,
    });
  }
  if (!hasMembers(made, members)) throw wrong(`what the file with ${what} makes`, file, made, expected);
  return made as Made[P];
}

function hasMembers(value: unknown, members: Members): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(members).every(([name, type]) => {
    const member = (value as Record<string, unknown>)[name];
    return typeof member === type && member !== null;
  });
}

function wrong(part: string, file: string, value: unknown, expected: string): AnabranchError {
  const isObject = typeof value === "object" && value !== null;
  return new AnabranchError({
    code: "local/export",
    message: `${part} is something else`,
    where: file,
    received: isObject ? `an object with ${Object.keys(value).join(", ") || "nothing in it"}` : typeof value,
    expected,
    advice:
      value instanceof Promise
        ? "The function must not be async."
        : "See examples/own-model.ts and examples/own-algorithm.ts.",
  });
}
