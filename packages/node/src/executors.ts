import { AnabranchError, type Executor, interpreter, onnxruntimeNode, onnxruntimeWeb } from "@anabranch/engine";

/** Executors by the name a configuration uses. */
export const executorNames = ["onnxruntime-node", "onnxruntime-web", "interpreter"] as const;

/** Opens an executor; throws `executor/unknown` or `executor/missing-package`. */
export async function openExecutor(name: string): Promise<Executor> {
  switch (name) {
    case "onnxruntime-node":
      return onnxruntimeNode();
    case "onnxruntime-web":
      return onnxruntimeWeb();
    case "interpreter":
      return interpreter();
    default:
      throw new AnabranchError({
        code: "executor/unknown",
        message: "there is no executor of this name",
        where: "execution.executor",
        received: JSON.stringify(name),
        expected: `one of ${executorNames.join(", ")}`,
      });
  }
}
