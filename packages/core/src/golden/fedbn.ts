import * as z from "zod";
import { layout } from "../params/layout.ts";
import { type Selectors, splitParameters } from "../params/standing.ts";
import type { Operation } from "./operation.ts";

const input = z.strictObject({
  modules: z
    .array(z.strictObject({ name: z.string().min(1), type: z.string(), tensors: z.array(z.string().min(1)) }))
    .min(1),
});

/** Names of what clients keep under FedBN, and under SiloBN, which shares scales and shifts. Modules are told by type. */
export const fedbnPrivate: Operation = {
  async run(given) {
    const { modules } = input.parse(given);
    const specs = modules.flatMap(({ name, type, tensors }) => {
      const role = type === "batchNorm" ? "normalization" : "vector";
      return tensors.map((tensor) => ({ name: `${name}.${tensor}`, shape: [1], role, block: name }) as const);
    });
    const keeps = (personal: Selectors): string[] => {
      if (specs.every(({ role }) => role !== "normalization")) return [];
      // a shared entry, so that modules without any other parameters can be told, too
      const whole = layout([...specs, { name: "\uffff", shape: [1], role: "vector", block: "\uffff" }]);
      return splitParameters(whole, { personal }).personal.entries.map(({ name }) => name);
    };
    const own = keeps(["normalization"]);
    const shared = ["*.weight", "*.bias"].filter((pattern) =>
      specs.some(({ name }) => name.endsWith(pattern.slice(1))),
    );
    return { fedbn: own, silobn: keeps(["normalization", ...shared.map((pattern) => `!${pattern}`)]) };
  },
};
