import { type Algorithm, AnabranchError, type Config } from "@anabranch/core";
import { type Executor, interpreter } from "@anabranch/engine";
import { openExecutorOrFallback } from "../executors.ts";
import { loadConfigured, prepareConfigured } from "./configured.ts";

/** What came of one requirement. */
export interface CheckedCase {
  readonly name: string;
  readonly ok: boolean;
  /** Why it does not hold. */
  readonly reason?: string;
}

/** An own method and the requirements that every method has to meet. */
export interface MethodCheck {
  readonly method: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly model: string;
  /** Runs the requirements one after the other. Throws what a mistake in the file is. */
  run(): AsyncGenerator<CheckedCase>;
}

/**
 * Loads the method of a configuration and has it keep its contract, see `prepareConfigured`. The requirements are those of
 * `@anabranch/core/conformance`, on the configured model and data.
 *
 * @throws `local/*`, `method/*`, `algorithm/*` and whatever else a configuration is refused for
 */
export async function openMethodCheck(config: Config): Promise<MethodCheck> {
  const { data, own } = await loadConfigured(config, {});
  const prepare = (algorithm: Algorithm | undefined, { name, version, float }: Executor) =>
    prepareConfigured(config, data, { name, version, float, fingerprint: "" }, 0, "check", { ...own, algorithm });
  const { plan } = prepare(own.algorithm, interpreter());
  const { name, options } = plan.algorithm;
  return {
    method: name,
    options,
    model: plan.description.model,
    async *run() {
      const { methodCases } = await import("@anabranch/core/conformance");
      const { executor } = await openExecutorOrFallback(config.execution.executor);
      const create = () => own.algorithm ?? plan.algorithm;
      yield { name: "keeps the contract of a method", ok: true };
      for (const { name, run } of methodCases({ create, prepare }, executor)) yield await outcomeOf(name, run);
    },
  };
}

async function outcomeOf(name: string, run: () => Promise<void>): Promise<CheckedCase> {
  try {
    await run();
    return { name, ok: true };
  } catch (error) {
    // a mistake in the file is one error with its place, not a requirement that is not met
    if (error instanceof AnabranchError && /^(local|method|model)\//.test(error.code)) throw error;
    return { name, ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}
