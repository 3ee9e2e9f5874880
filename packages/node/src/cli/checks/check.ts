import { AnabranchError } from "@anabranch/engine";

/** What a look at one part of the machine has found. */
export interface Finding {
  readonly status: "ok" | "warn" | "fail";
  /** What is there. */
  readonly message: string;
  /** What to do; with every warning and failure. */
  readonly advice?: string;
}

/** One part of the machine that runs depend on. */
export interface Check {
  readonly name: string;
  /** Error codes after which no other check has a meaning. */
  readonly decisive?: readonly string[];
  look(): Finding | Promise<Finding>;
}

export interface CheckResult extends Finding {
  readonly name: string;
  /** The checks end here. */
  readonly isLast?: boolean;
}

/** Looks; an error on the way is a failed check. */
export async function runCheck(check: Check): Promise<CheckResult> {
  try {
    return { name: check.name, ...(await check.look()) };
  } catch (error) {
    const isLast = error instanceof AnabranchError && check.decisive?.includes(error.code) === true;
    return { name: check.name, status: "fail", ...describeError(error), ...(isLast && { isLast }) };
  }
}

/** An error as the words of a finding. */
export function describeError(error: unknown): { readonly message: string; readonly advice: string } {
  if (error instanceof AnabranchError) {
    const { message, received, advice } = error.failure;
    const text = received === undefined ? message : `${message}: ${received}`;
    return { message: text, advice: advice ?? `The error is ${error.code}.` };
  }
  return {
    message: error instanceof Error ? error.message : String(error),
    advice: "This is unexpected. ANABRANCH_DEBUG=1 with a command that fails shows where it happened.",
  };
}
