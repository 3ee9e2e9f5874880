import { describe, expect, it } from "vitest";
import type { Update } from "../protocol/index.ts";
import { weightStage } from "./weight-stage.ts";

const update = (examples: number, weight: number): Update => ({
  ...{ round: 1, client: 0, layoutHash: "" },
  vectors: { delta: new Float32Array(3) },
  public: { examples, steps: 1, weight, loss: 0 },
});

/** The code of what is wrong with an update that arrived, undefined where it fits. */
function faultOf(rule: "examples" | "uniform", received: Update, isHidden = false): string | undefined {
  const checked = weightStage(rule, isHidden).receive!(received, { scalars: {}, part: undefined });
  return "code" in checked ? checked.code : undefined;
}

describe("the weight of an update", () => {
  it.each(["examples", "uniform"] as const)("is accepted as %s gave it", (rule) => {
    const context = { scalars: {}, layouts: {}, keys: {} };
    expect(faultOf(rule, weightStage(rule, false).client!(update(20, 1), context))).toBeUndefined();
  });

  it("is refused where a client claims another one", () => {
    expect(faultOf("uniform", update(20, 1e12))).toBe("update/weight");
    expect(faultOf("uniform", update(20, 20))).toBe("update/weight");
    expect(faultOf("examples", update(20, 21))).toBe("update/weight");
    expect(faultOf("examples", update(20, 0))).toBe("update/weight");
  });

  it("is not for the server to know where single updates are hidden", () => {
    expect(faultOf("examples", update(0, 1), true)).toBeUndefined();
  });
});
