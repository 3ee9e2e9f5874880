import type { Payloads } from "../algorithms/algorithm.ts";
import { isLayout } from "../algorithms/shapes.ts";
import { type Contract, describe } from "../config/contract.ts";

/** Refuses parts that are not layouts of the uploaded vectors. Throws `method/parts`. */
export function checkParts(contract: Contract, { upload, parts }: Payloads): void {
  if (parts === undefined) return;
  if (!Array.isArray(parts) || parts.length === 0) {
    const message = "the parts of an upload are not a list";
    throw contract.breach("parts", message, "parts(...)", describe(parts), "a list of parts");
  }
  for (const [index, one] of parts.entries()) {
    const [message, part] = ["a part names other vectors than the method uploads", `parts(...)[${index}]`];
    const layouts = contract.names("parts", message, part, one, { required: Object.keys(upload), source: "upload" });
    for (const [name, layout] of Object.entries(layouts)) {
      if (isLayout(layout)) continue;
      const expected = "a layout, as subLayout(model, ...) makes it";
      throw contract.breach("parts", "a vector of a part has no layout", `${part}.${name}`, describe(layout), expected);
    }
  }
}
