import { fingerprint } from "@anabranch/engine";
import { executorNames, openExecutor } from "../../executors.ts";
import { type Check, describeError } from "./check.ts";

/** Every executor: its package loads, and its fingerprint program runs. Only the native one must. */
export const executorChecks: readonly Check[] = executorNames.map((name) => ({
  name,
  async look() {
    try {
      const executor = await openExecutor(name);
      const print = await fingerprint(executor);
      const role = roles[name];
      return { status: "ok", message: `${executor.version}, ${executor.float}, fingerprint ${print}; ${role}` };
    } catch (error) {
      const { message, advice } = describeError(error);
      return { status: name === "onnxruntime-node" ? "fail" : "warn", message, advice };
    }
  },
}));

const roles: Readonly<Record<(typeof executorNames)[number], string>> = {
  "onnxruntime-node": "native, the default",
  "onnxruntime-web": "WebAssembly, as in browsers",
  interpreter: "slow reference",
};
