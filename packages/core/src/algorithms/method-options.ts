import { AnabranchError } from "@anabranch/engine";
import { Contract } from "../config/contract.ts";
import { expectation } from "../config/expectation.ts";
import { nearest } from "../text/nearest.ts";
import type { Algorithm } from "./algorithm.ts";
import type { MethodDefinition } from "./define-method.ts";

type Options = Readonly<Record<string, unknown>>;

/**
 * The method with options as a user wrote them, by their names or the paper's symbols. Throws `algorithm/unknown-option`,
 * `algorithm/option-twice`, `algorithm/missing-option` or `algorithm/option`; `method/...` where it is not declared right.
 *
 * @param source where the method comes from, if not from the registry: its file
 * @example
 * ```ts
 * import { buildMethod, fedavg } from "@anabranch/core";
 * buildMethod(fedavg.definition, { serverLearningRate: 0.5 }).options; // => { serverLearningRate: 0.5 }
 * ```
 */
export function buildMethod(method: MethodDefinition, given: Options, source?: string): Algorithm {
  const known = Object.keys(method.options.shape);
  const symbols: Readonly<Record<string, string>> = method.symbols;
  const place = (key: string) => (source === undefined ? `algorithm.${key}` : `algorithm.${key}, ${source}`);
  const options: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(given)) {
    const option = symbols[key] ?? key;
    if (!known.includes(option)) throw unknownOption(method, place(key), key, value, known);
    if (Object.hasOwn(options, option)) throw givenTwice(method, place(key), option, value);
    options[option] = value;
  }
  const parsed = method.options.safeParse(options);
  if (parsed.success) {
    const contract = new Contract("method", source ?? `method ${JSON.stringify(method.name)}`);
    const body = contract.attempt("build", () => method.build(parsed.data));
    return { name: method.name, options: parsed.data, ...body };
  }
  const issue = parsed.error.issues[0]!;
  const key = String(issue.path[0] ?? "");
  const missing = options[key] === undefined;
  throw new AnabranchError({
    code: missing ? "algorithm/missing-option" : "algorithm/option",
    message: missing ? "missing required option" : `invalid value for an option of ${method.name}`,
    where: place(key),
    ...(missing ? {} : { received: JSON.stringify(options[key]) }),
    expected: expectation(issue),
    ...(source === undefined
      ? { advice: `Run "anabranch methods ${method.name}" to see every option with its default.` }
      : {}),
  });
}

function unknownOption(
  { name }: MethodDefinition,
  where: string,
  key: string,
  value: unknown,
  known: readonly string[],
): AnabranchError {
  const near = nearest(key, known);
  return new AnabranchError({
    code: "algorithm/unknown-option",
    message: `${name} has no such option`,
    where,
    received: JSON.stringify(value),
    expected: known.length === 0 ? "no options" : `one of ${known.join(", ")}`,
    ...(near === undefined ? {} : { advice: `Did you mean "${near}"?` }),
  });
}

function givenTwice(
  { name, symbols }: MethodDefinition,
  where: string,
  option: string,
  value: unknown,
): AnabranchError {
  const names = [option, ...Object.entries(symbols).flatMap(([symbol, of]) => (of === option ? [symbol] : []))];
  return new AnabranchError({
    code: "algorithm/option-twice",
    message: `${names.join(" and ")} are the same option of ${name}`,
    where,
    received: JSON.stringify(value),
    expected: "one of them",
    advice: `Keep algorithm.${option} and leave the other out.`,
  });
}
