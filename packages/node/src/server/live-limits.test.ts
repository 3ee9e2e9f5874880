import { type ConfigInput, type RunPlan, resolveConfig } from "@anabranch/core";
import { describe, expect, it } from "vitest";
import { requireLivePossible, requireTrueEpsilon } from "./live-limits.ts";

const possible = (diagnostics: ConfigInput["diagnostics"]) => requireLivePossible(resolveConfig({ diagnostics }));

describe("diagnostics of live runs", () => {
  it.each(["flatness", "clipping", "processorTime"] as const)("refuse %s, which needs the clients", (metric) => {
    expect(() => possible({ [metric]: true })).toThrow(`diagnostics.${metric}`);
    expect(() => possible({ [metric]: true })).toThrow(/Only a simulation can measure it/);
  });

  it("allow what the server computes from what it has", () => {
    expect(() => possible({ coherence: true, conditioning: true, preconditioners: true })).not.toThrow();
  });

  it.each(["coherence", "preconditioners"] as const)("refuse %s of a private run", (metric) => {
    const config = (diagnostics: ConfigInput["diagnostics"]) =>
      resolveConfig({ algorithm: { name: "dp-fedavg" }, privacy: { mechanism: "gaussian" }, diagnostics });
    const plan = { stages: { weighting: "uniform", clipNorm: 0 } } as RunPlan;
    expect(() => requireTrueEpsilon(config({ [metric]: true }), plan)).toThrow(/Epsilon does not cover it/);
    // the condition of released weights is computed from what everybody sees
    expect(() => requireTrueEpsilon(config({ conditioning: true }), plan)).not.toThrow();
  });
});
