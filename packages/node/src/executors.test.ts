import { AnabranchError } from "@anabranch/core";
import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { openExecutor, openExecutorOrFallback } from "./executors.ts";

const missing = (name: string) =>
  new AnabranchError({
    code: "executor/missing-package",
    message: `the package ${name} cannot be loaded`,
    advice: `Run "npm install ${name}".`,
  });

describe("executors", () => {
  it("opens each by name and refuses others", async () => {
    expect((await openExecutor("interpreter")).float).toBe("float64");
    expect((await openExecutor("onnxruntime-node")).version).toMatch(/^1\./);
    await expect(openExecutor("tensorflow")).rejects.toMatchObject({ code: "executor/unknown" });
  });

  it("falls back to WebAssembly where the native package is missing, and says so", async () => {
    const opened = await openExecutorOrFallback("onnxruntime-node", async (name) => {
      if (name === "onnxruntime-node") throw missing(name);
      return { ...interpreter(), name };
    });
    expect(opened.executor.name).toBe("onnxruntime-web");
    expect(opened.warning?.code).toBe("executor/fallback");
    expect(opened.warning?.message).toContain("npm install onnxruntime-node");
  });

  it("says what to install where both are missing", async () => {
    const nothing = openExecutorOrFallback("onnxruntime-node", async (name) => {
      throw missing(name);
    });
    await expect(nothing).rejects.toMatchObject({ code: "executor/missing-package" });
  });
});
