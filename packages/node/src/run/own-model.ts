import { resolve } from "node:path";
import { AnabranchError, type Model, type ModelData, nearest, type Origin } from "@anabranch/core";
import { importLocalModule } from "../data/import-local.ts";
import { ownFault } from "../data/own-fault.ts";
import { ownOptions } from "./own-options.ts";

/** The members that a model must have, and of which type. */
const MEMBERS: Readonly<Record<string, "string" | "number" | "function" | "object">> = {
  name: "string",
  parameters: "object",
  masks: "object",
  features: "object",
  labels: "object",
  classes: "number",
  forward: "function",
  losses: "function",
  scores: "function",
};
const EXPECTED = `a function that returns a model: an object with ${Object.keys(MEMBERS).join(", ")}`;

/** A model of an own file, and how its errors are reported. */
export interface OwnModel {
  readonly model: Model;
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
 * Loads an operator's own model. What is given back calls its default export with options and what a model has to know of
 * the data, and throws `local/export` where this makes something else, `local/failed` where it throws, and
 * `local/*option` for options that the file does not have.
 *
 * @param base what a relative path starts from
 * @throws `local/*` as `importLocalModule`; `local/export` where the default export is no function
 */
export async function loadOwnModel(
  path: string,
  given: Readonly<Record<string, unknown>>,
  base: string,
): Promise<(data: ModelData) => OwnModel> {
  const file = resolve(base, path);
  const { default: make, options: declared } = await importLocalModule(file, { what: "a model", expected: EXPECTED });
  if (typeof make !== "function") throw wrong("the default export of the file with a model", file, make);
  return ({ features, labels, classes }) => {
    const { values, requireUsed } = ownOptions(file, given, declared);
    const data: OwnModelData = {
      input: features.shape.slice(1),
      inputType: features.dtype,
      labelType: labels.dtype,
      classes,
    };
    const origin: Origin = {
      file,
      faultOf: (error, failed) => ownFault(error, file, `${failed} of a model`),
      requireUsedOptions: requireUsed,
    };
    try {
      const made: unknown = make(values, data);
      requireModel(made, file);
      return { model: made, origin };
    } catch (error) {
      const advice = `It was called with the other keys of the section: ${JSON.stringify(given)}.`;
      throw ownFault(error, file, "the function that makes a model", advice);
    }
  };
}

function requireModel(value: unknown, file: string): asserts value is Model {
  const missing = Object.entries(MEMBERS)
    .filter(([name, type]) => typeOf(value, name) !== type)
    .map(([name]) => name);
  if (missing.length > 0) throw wrong("what the file with a model makes", file, value, missing);
}

/** The type of a member, "null" for that. */
function typeOf(value: unknown, name: string): string {
  const member = isRecord(value) ? value[name] : undefined;
  return member === null ? "null" : typeof member;
}

function wrong(part: string, file: string, value: unknown, missing: readonly string[] = []): AnabranchError {
  const given = isRecord(value) ? Object.keys(value) : [];
  return new AnabranchError({
    code: "local/export",
    message: `${part} is something else`,
    where: file,
    received: isRecord(value) ? `an object with ${given.join(", ") || "nothing in it"}` : typeof value,
    expected: EXPECTED,
    advice: value instanceof Promise ? "The function must not be async." : adviceFor(missing, given),
  });
}

function adviceFor(missing: readonly string[], given: readonly string[]): string {
  const [first] = missing;
  const examples = "See examples/own-model.ts.";
  if (first === undefined || missing.length > 4) return examples;
  const near = nearest(first, given);
  return near === undefined || near === first
    ? `Missing or of another type: ${missing.join(", ")}. ${examples}`
    : `Did you mean "${first}" instead of "${near}"?`;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
