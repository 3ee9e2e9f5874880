import { AnabranchError } from "@anabranch/engine";
import type { Accountant, AccountantName } from "./accountant.ts";
import { gaussianAccountant } from "./exact-accountant.ts";
import { pldAccountant } from "./pld-accountant.ts";
import { rdpAccountant } from "./rdp-accountant.ts";

const accountants: Readonly<Record<AccountantName, () => Accountant>> = {
  rdp: rdpAccountant,
  pld: pldAccountant,
  gaussian: gaussianAccountant,
};

/**
 * Names of the accountants, as configurations have them.
 *
 * @example
 * ```ts
 * import { accountantNames } from "@anabranch/core";
 * accountantNames; // => ["rdp", "pld", "gaussian"]
 * ```
 */
export const accountantNames = Object.keys(accountants) as readonly AccountantName[];

/**
 * The accountant of a name, with its defaults. Throws `privacy/unknown-accountant`.
 *
 * @example
 * ```ts
 * import { createAccountant } from "@anabranch/core";
 * const accountant = createAccountant("pld");
 * const event = { kind: "poisson-gaussian", noiseMultiplier: 1, samplingRate: 0.1, count: 100 } as const;
 * accountant.epsilon([event], 1e-5).epsilon < 10; // => true
 * ```
 */
export function createAccountant(name: string): Accountant {
  if (Object.hasOwn(accountants, name)) return accountants[name as AccountantName]();
  throw new AnabranchError({
    code: "privacy/unknown-accountant",
    message: "unknown accountant",
    received: name,
    expected: `one of ${accountantNames.join(", ")}`,
    advice: 'Use "rdp" where in doubt: it knows every kind of event.',
  });
}
