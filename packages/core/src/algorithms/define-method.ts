import type * as z from "zod";
import type { Algorithm } from "./algorithm.ts";
import type { MethodBody } from "./method.ts";

/** What the file of a method says of it. */
export interface MethodDeclaration<O extends z.ZodObject = z.ZodObject> {
  /** In configurations and on the command line. */
  readonly name: string;
  /** File below `algorithms/` whose header documents the method. Default: NAME.ts. */
  readonly file?: string;
  /** Each with its default and what `anabranch methods` prints of it. Unknown options are refused. */
  readonly options: O;
  /** The paper's symbols, accepted in place of the options' names. */
  readonly symbols?: Readonly<Record<string, Extract<keyof z.input<O>, string>>>;
  /** The method with these options. */
  build(options: z.output<O>): MethodBody;
}

/** A method as users know it. */
export type MethodDefinition<O extends z.ZodObject = z.ZodObject> = Required<MethodDeclaration<O>>;

type Arguments<O extends z.ZodObject> =
  Record<never, never> extends z.input<O> ? [options?: z.input<O>] : [options: z.input<O>];

/** Makes the algorithm from options; throws a `ZodError` where they do not fit. `createAlgorithm` gives better errors. */
export interface Method<O extends z.ZodObject = z.ZodObject> {
  (...options: Arguments<O>): Algorithm;
  readonly definition: MethodDefinition<O>;
}

/**
 * Declares a method: its name, its options and its algorithm.
 *
 * @example
 *   export const fedavg = defineMethod({
 *     name: "fedavg",
 *     options: z.strictObject({ serverLearningRate: z.number().positive().default(1).describe("step of the server") }),
 *     build: ({ serverLearningRate }) => vectors({ ... }).method({ ... }),
 *   });
 * @example
 * ```ts
 * import { defineMethod, localSgd, MODEL, stepFrom, vectors, weightedMean } from "@anabranch/core";
 * import * as z from "zod";
 * const halfStep = defineMethod({
 *   name: "half-step",
 *   options: z.strictObject({}),
 *   build: () =>
 *     vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } }).method({
 *       local: localSgd(),
 *       update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, 0.5, delta) }),
 *     }),
 * });
 * halfStep.definition.name; // => "half-step"
 * ```
 */
export function defineMethod<O extends z.ZodObject>(declaration: MethodDeclaration<O>): Method<O> {
  const definition = { file: `${declaration.name}.ts`, symbols: {}, ...declaration };
  const create = (...[given]: Arguments<O>): Algorithm => {
    const options = definition.options.parse(given ?? {});
    return { name: definition.name, options, ...definition.build(options) };
  };
  return Object.assign(create, { definition });
}
