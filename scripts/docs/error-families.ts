/**
 * Codes that are completed by values which the reader of the sources cannot follow, by file and template. A template that
 * is neither here nor resolved makes the test of the page of errors fail.
 */
export const templateFamilies: Readonly<Record<string, readonly string[]>> = {
  "packages/node/src/cli/json-file.ts ${area}/file": ["golden/file", "trace/file"],
  "packages/node/src/cli/json-file.ts ${area}/json": ["golden/json", "trace/json"],
  "packages/node/src/store/lock.ts ${what}/locked": ["run/locked", "sweep/locked", "ledger/locked", "identity/locked"],
  "packages/core/src/protocol/sealed.ts ${kind}/version": ["checkpoint/version", "client-state/version"],
  "packages/core/src/protocol/sealed.ts ${kind}/corrupt": ["checkpoint/corrupt", "client-state/corrupt"],
  "packages/core/src/protocol/sealed.ts ${kind}/truncated": ["checkpoint/truncated", "client-state/truncated"],
  "packages/core/src/config/contract.ts ${this.#area}/${reason}": [
    ...["upload", "client-state", "tensor", "shape", "server", "vectors"].map((reason) => `method/${reason}`),
    ...["parameters", "masks", "tensor"].map((reason) => `model/${reason}`),
  ],
};

/** A check of a `Contract`, whose first argument completes a code: which argument is the message, and the advice. */
export interface ContractCheck {
  readonly message: number | string;
  readonly advice?: number;
}

export const contractChecks: Readonly<Record<string, ContractCheck>> = {
  breach: { message: 1, advice: 5 },
  names: { message: 1 },
  callable: { message: "a function is missing" },
  word: { message: "unknown name in a declaration" },
};

/** The area of the codes of a file's contracts. */
export function contractArea(path: string): string {
  return path === "packages/core/src/simulation/checked-model.ts" ? "model" : "method";
}
