import { resolve } from "node:path";
import { type Algorithm, AnabranchError, type Model, type ModelData, nearest, type Origin } from "@anabranch/core";
import { importLocalModule } from "../data/import-local.ts";
import { ownFault } from "../data/own-fault.ts";
import { ownOptions } from "./own-options.ts";

/** The members that a made value must have, by path, and of which type. */
type Members = Readonly<Record<string, "string" | "number" | "function" | "object">>;

const PARTS = {
  model: {
    what: "a model",
    members: {
      name: "string",
      parameters: "object",
      masks: "object",
      features: "object",
      labels: "object",
      classes: "number",
      forward: "function",
      losses: "function",
      scores: "function",
    },
  },
  algorithm: {
    what: "an algorithm",
    members: {
      name: "string",
      payloads: "function",
      init: "function",
      client: "object",
      "client.begin": "function",
      "client.step": "function",
      "client.end": "function",
      broadcast: "function",
      update: "function",
    },
  },
} as const satisfies Record<string, { what: string; members: Members }>;

interface Made {
  readonly model: Model;
  readonly algorithm: Algorithm;
}

/** What an own file has made, and how its errors are reported. */
export interface OwnPart<P extends keyof Made> {
  readonly made: Made[P];
  readonly origin: Origin;
}

/** What the factory of an own model is told of the data, beside its options: as the models of the library are. */
export interface OwnModelData {
  /** Shape of one example's features. */
  readonly input: readonly number[];
  readonly inputType: ModelData["features"]["dtype"];
  readonly labelType: ModelData["labels"]["dtype"];
  readonly classes: number;
}

/**
 * Loads an operator's own file. What is given back calls its default export with options and what a model has to know of
 * the data, and throws `local/export` where this makes something else, `local/failed` where it throws, and
 * `local/*option` for options that the file does not have.
 *
 * @param base what a relative path starts from
 * @throws `local/*` as `importLocalModule`; `local/export` where the default export is no function
 */
export async function loadOwnPart<P extends keyof Made>(
  part: P,
  path: string,
  given: Readonly<Record<string, unknown>>,
  base: string,
): Promise<(data: ModelData) => OwnPart<P>> {
  const { what, members } = PARTS[part];
  const file = resolve(base, path);
  const expected = `a function that returns ${what}: an object with ${topNames(members).join(", ")}`;
  // the line of the file is often below more calls of the library than a stack has by default
  Error.stackTraceLimit = Math.max(Error.stackTraceLimit, 100);
  const { default: make, options: declared } = await importLocalModule(file, { what, expected });
  if (typeof make !== "function") throw wrong(`the default export of the file with ${what}`, file, make, expected);
  return ({ features, labels, classes }) => {
    const { values, requireUsed } = ownOptions(part, file, given, declared);
    const data: OwnModelData = {
      input: features.shape.slice(1),
      inputType: features.dtype,
      labelType: labels.dtype,
      classes,
    };
    const origin: Origin = {
      file,
      faultOf: (error, failed) => ownFault(error, file, `${failed} of ${what}`),
      requireUsedOptions: requireUsed,
    };
    try {
      const made: unknown = part === "model" ? make(values, data) : make(values);
      requireMembers(made, members, `what the file with ${what} makes`, file, expected);
      return { made: made as Made[P], origin };
    } catch (error) {
      const advice = `It was called with the other keys of the section: ${JSON.stringify(given)}.`;
      throw ownFault(error, file, `the function that makes ${what}`, advice);
    }
  };
}

function requireMembers(value: unknown, members: Members, part: string, file: string, expected: string): void {
  const missing = Object.entries(members)
    .filter(([path, type]) => typeOf(value, path) !== type)
    .map(([path]) => path);
  if (missing.length === 0) return;
  throw wrong(part, file, value, expected, missing);
}

/** The type of a member, "null" for that. */
function typeOf(value: unknown, path: string): string {
  const member = path.split(".").reduce((of, key) => (isRecord(of) ? of[key] : undefined), value);
  return member === null ? "null" : typeof member;
}

function topNames(members: Members): string[] {
  return Object.keys(members).filter((path) => !path.includes("."));
}

function wrong(
  part: string,
  file: string,
  value: unknown,
  expected: string,
  missing: readonly string[] = [],
): AnabranchError {
  const given = isRecord(value) ? Object.keys(value) : [];
  return new AnabranchError({
    code: "local/export",
    message: `${part} is something else`,
    where: file,
    received: isRecord(value) ? `an object with ${given.join(", ") || "nothing in it"}` : typeof value,
    expected,
    advice: value instanceof Promise ? "The function must not be async." : adviceFor(missing, given),
  });
}

function adviceFor(missing: readonly string[], given: readonly string[]): string {
  const [first] = missing;
  const examples = "See examples/own-model.ts and examples/own-algorithm.ts.";
  if (first === undefined || missing.length > 4) return examples;
  const near = nearest(first, given);
  return near === undefined || near === first
    ? `Missing or of another type: ${missing.join(", ")}. ${examples}`
    : `Did you mean "${first}" instead of "${near}"?`;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
