import { AnabranchError } from "@anabranch/engine";

/** An operation on given numbers that runs the product's own code; draws are part of its input. */
export interface Operation {
  run(input: unknown, options: unknown): Promise<object>;
}

/** The error of an operation, or of one of its forms, that is not there. */
export function notThere(operation: string, known: readonly string[] = []): AnabranchError {
  return new AnabranchError({
    code: "golden/operation",
    message: `the operation ${operation} is not there yet`,
    received: operation,
    ...(known.length === 0 ? {} : { expected: `one of ${known.join(", ")}` }),
  });
}
