import { AnabranchError, type Executor, interpreter, onnxruntimeNode, onnxruntimeWeb } from "@anabranch/engine";

/**
 * Executors by the name a configuration uses.
 *
 * @example
 * ```ts
 * import { executorNames } from "@anabranch/node";
 * executorNames; // => ["onnxruntime-node", "onnxruntime-web", "interpreter"]
 * ```
 */
export const executorNames = ["onnxruntime-node", "onnxruntime-web", "interpreter"] as const;

/**
 * Opens an executor; throws `executor/unknown` or `executor/missing-package`.
 *
 * @example
 * ```ts
 * import { openExecutor } from "@anabranch/node";
 * (await openExecutor("interpreter")).float; // => "float64"
 * ```
 */
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
        message: "unknown executor",
        where: "execution.executor",
        received: JSON.stringify(name),
        expected: `one of ${executorNames.join(", ")}`,
      });
  }
}

export interface OpenedExecutor {
  readonly executor: Executor;
  /** Set when another executor stands in for the one that was asked for. */
  readonly warning?: { readonly code: string; readonly message: string };
}

/**
 * Opens an executor; where the native package is missing, WebAssembly takes its place, slower and with other last bits.
 * Throws what `openExecutor` throws when neither is there.
 */
export async function openExecutorOrFallback(
  name: string,
  open: (name: string) => Promise<Executor> = openExecutor,
): Promise<OpenedExecutor> {
  try {
    return { executor: await open(name) };
  } catch (error) {
    const missing = error instanceof AnabranchError && error.code === "executor/missing-package";
    if (!missing || name !== "onnxruntime-node") throw error;
    const executor = await open("onnxruntime-web").catch(() => {
      throw error;
    });
    const message = `${error.message} Running on onnxruntime-web instead, which is several times slower.`;
    return { executor, warning: { code: "executor/fallback", message } };
  }
}
