import { defineConfig } from "vitest/config";

const exclude = ["**/node_modules/**", "**/*.slow.test.ts", "**/*.exhaustive.test.ts"];
const shared = {
  exclude,
  pool: "forks",
  testTimeout: 180_000,
  // how long a busy machine takes says nothing of the code
  expect: { poll: { timeout: 60_000 } },
} as const;

/** Folders of packages/node whose tests leave nothing behind in their process. */
const services = "{client,dashboard,data,log,run,server,store,sweep,workers}";
/** Tests that change their process, or whose hooks are in a file that they share: it is imported once per process. */
const alone = [
  "tests/{check-method,outside-clone,own-method-files,own-methods,own-models,trust}.test.ts",
  "packages/node/src/workers/deadline.test.ts",
];

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
          name: "services",
          isolate: false,
          include: [`packages/node/src/${services}/**/*.test.ts`, "{bench,examples,tests}/**/*.test.ts"],
          exclude: [...exclude, ...alone],
        },
      },
      {
        test: {
          ...shared,
          name: "system",
          include: ["packages/node/src/cli/**/*.test.ts", "packages/node/src/*.test.ts", ...alone],
        },
      },
    ],
  },
});
