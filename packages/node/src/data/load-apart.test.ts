import { AnabranchError } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { type ApartOptions, loadApart } from "./load-apart.ts";

const script = new URL("./testing/endless-loader.ts", import.meta.url);

async function failure(path: string, options: ApartOptions = {}): Promise<AnabranchError> {
  const from = { kind: "csv", path, options: {} } as const;
  const request = { kind: "local", from, base: ".", dataDir: undefined, reading: undefined } as const;
  const error: unknown = await loadApart(request, { script, ...options }).catch((reason: unknown) => reason);
  if (error instanceof AnabranchError) return error;
  throw error;
}

describe("loadApart", () => {
  it("ends a reader that does not end by itself", async () => {
    const error = await failure("endless", { loadingMs: 200 });
    expect(error.code).toBe("data/timeout");
    expect(error.message).toMatch(/csv:endless/);
  });

  it("leaves time for what the files allow", async () => {
    expect((await failure("allowed", { loadingMs: 1 })).message).toMatch(/in the end/);
  });

  it.each(["hungry", "array"])("ends a reader that takes all memory: %s", async (path) => {
    const error = await failure(path, { heapMiB: 64 });
    expect(error.code).toBe("data/memory");
    expect(error.message).toMatch(/at most 64 MiB/);
  });

  it("ends at once when it is interrupted, before or meanwhile", async () => {
    const interrupt = new AbortController();
    const ending = failure("endless", { signal: interrupt.signal });
    setTimeout(() => interrupt.abort(), 100);
    expect((await ending).code).toBe("run/interrupted");
    expect((await failure("endless", { signal: interrupt.signal })).code).toBe("run/interrupted");
  });

  it("notices a thread that ends without an answer", async () => {
    await expect(failure("ends")).rejects.toThrow(/exit code 3/);
  });
});
