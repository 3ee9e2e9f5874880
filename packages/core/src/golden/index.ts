export { goldenCase, type Operation, operations, runGolden } from "./operation.ts";
