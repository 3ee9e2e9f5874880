import { defineConfig } from "vitest/config";

/** Every case of what the other suites sample, and every command of the guides: not part of a check of every change. */
export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.exhaustive.test.ts", "tests/**/*.exhaustive.test.ts"],
    pool: "forks",
    maxWorkers: 1,
    expect: { poll: { timeout: 60_000 } },
    testTimeout: 3_600_000,
  },
});
