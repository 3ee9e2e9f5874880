import { defineConfig } from "vitest/config";

const exclude = ["**/node_modules/**", "**/*.slow.test.ts", "**/*.exhaustive.test.ts"];
const shared = { exclude, pool: "forks", testTimeout: 180_000 } as const;

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        // tests of functions leave nothing behind: their files share a process, which imports the sources once
        test: {
          ...shared,
          name: "units",
          isolate: false,
          setupFiles: ["tests/property-seed.ts"],
          include: [
            "packages/{core,engine,dashboard}/src/**/*.test.ts",
            "packages/node/src/{report,terminal,docs}/**/*.test.ts",
          ],
        },
      },
      {
        test: {
          ...shared,
          name: "system",
          include: [
            "packages/node/src/!(report|terminal|docs)/**/*.test.ts",
            "packages/node/src/*.test.ts",
            "bench/**/*.test.ts",
            "examples/**/*.test.ts",
            "tests/**/*.test.ts",
          ],
        },
      },
    ],
  },
});
