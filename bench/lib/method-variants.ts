import { algorithms, type MethodDefinition } from "@anabranch/core";
import * as z from "zod";

/** A method with some of its options set, as one line of a comparison. */
export interface MethodVariant {
  readonly method: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** "fednsam", or "fednsam perturbation=gradient". */
  readonly label: string;
}

/**
 * Every method of the registry with its defaults, and once more for each other value of an option that is one of several
 * words or a switch: those choose another rule, numbers only another strength. A method that demands such an option
 * comes with each of its values and not by itself.
 */
export function methodVariants(entries: readonly MethodDefinition[] = algorithms): MethodVariant[] {
  return entries.flatMap(({ name, options }) => {
    const choices = Object.entries(options.shape).flatMap(([option, field]) => {
      const schema = field as z.ZodType;
      return otherValues(schema).map((value) => ({ [option]: value }));
    });
    const complete = options.safeParse({}).success;
    const usable = choices.filter((choice) => options.safeParse(choice).success);
    return [...(complete || usable.length === 0 ? [{}] : []), ...usable].map((chosen) => ({
      method: name,
      options: chosen,
      label: [name, ...Object.entries(chosen).map(([option, value]) => `${option}=${value}`)].join(" "),
    }));
  });
}

/** The values of an enumeration or a switch other than its default; none for any other option. */
function otherValues(schema: z.ZodType): readonly (string | boolean)[] {
  const { data } = schema.safeParse(undefined);
  let inner = schema;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodOptional) inner = inner.unwrap() as z.ZodType;
  if (inner instanceof z.ZodBoolean) return [data !== true];
  return inner instanceof z.ZodEnum ? inner.options.map(String).filter((value) => value !== data) : [];
}
