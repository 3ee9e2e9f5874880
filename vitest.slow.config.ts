import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.slow.test.ts", "tests/**/*.slow.test.ts", "examples/*.slow.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    expect: { poll: { timeout: 60_000 } },
    testTimeout: 600_000,
    hookTimeout: 300_000,
  },
});
