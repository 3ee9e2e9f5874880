import { resolve } from "node:path";
import { type Algorithm, AnabranchError, buildMethod, type MethodDefinition, type Origin } from "@anabranch/core";
import { importLocalModule } from "../data/import-local.ts";
import { ownFault } from "../data/own-fault.ts";

/** A method of an own file, and how its errors are reported. */
export interface OwnMethod {
  readonly algorithm: Algorithm;
  readonly origin: Origin;
}

const EXPECTED = "a method made by defineMethod";
const FORM =
  "Write: export default defineMethod({ name, options: z.strictObject({}), build: () => vectors({ ... }).method({ ... }) }). See examples/own-algorithm.ts.";

/**
 * Loads an operator's own method and builds it with options as the configuration has them.
 *
 * @param base what a relative path starts from
 * @throws `local/*` as `importLocalModule`; `local/export` where the default export is no method; `local/failed` where its
 *   code throws; `algorithm/*` and `method/*` as `buildMethod`
 */
export async function loadOwnMethod(
  path: string,
  options: Readonly<Record<string, unknown>>,
  base: string,
): Promise<OwnMethod> {
  const file = resolve(base, path);
  const { default: made } = await importLocalModule(file, { what: "a method", expected: EXPECTED });
  const definition = definitionOf(made, file);
  const faultOf: Origin["faultOf"] = (error, part) => ownFault(error, file, `${part} of a method`);
  try {
    return { algorithm: buildMethod(definition, options, file), origin: { file, faultOf } };
  } catch (error) {
    throw faultOf(error, "build");
  }
}

/** The definition of a method; it may come from another copy of the library. */
function definitionOf(made: unknown, file: string): MethodDefinition {
  if (typeof made === "function" && "definition" in made && isDefinition(made.definition)) return made.definition;
  throw new AnabranchError({
    code: "local/export",
    message: "the default export of the file with a method is something else",
    where: file,
    received: describe(made),
    expected: EXPECTED,
    advice: FORM,
  });
}

function isDefinition(value: unknown): value is MethodDefinition {
  if (typeof value !== "object" || value === null) return false;
  const { name, options, build } = value as Partial<MethodDefinition>;
  return typeof name === "string" && typeof options?.safeParse === "function" && typeof build === "function";
}

function describe(value: unknown): string {
  if (typeof value === "function") return "a plain function";
  if (typeof value !== "object" || value === null) return `the ${typeof value} ${String(value)}`;
  return `an object with ${Object.keys(value).join(", ") || "nothing in it"}`;
}
