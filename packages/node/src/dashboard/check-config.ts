import { type Config, type configSchema, createAlgorithm, resolveConfig } from "@anabranch/core";
import { AnabranchError } from "@anabranch/engine";
import * as z from "zod";

/** Keys that name own files or are about them: a page may not have files read or executed. */
export const fileKeys = [
  "data.file",
  "data.dataDir",
  "data.table",
  "model.file",
  "model.initialWeights",
  "algorithm.file",
  "devices.trace",
];

/** The body of a request that starts or checks a run. The configuration is checked by its own schema, for its messages. */
export const configRequest = z.strictObject({ config: z.record(z.string(), z.unknown()) });

/**
 * The configuration of a form, checked as that of a file is.
 *
 * @throws `config/...`, `algorithm/...`, `dashboard/files`
 */
export function checkConfig(given: Readonly<Record<string, unknown>>): Config {
  // what resolveConfig reads it parses itself; here it is only known to be a table
  const config = resolveConfig(given as z.input<typeof configSchema>);
  refuseFiles(config);
  const { name, file: _file, ...options } = config.algorithm;
  createAlgorithm(name, options);
  return config;
}

function refuseFiles(config: Config): void {
  const { data, model, algorithm, devices } = config;
  const values = {
    "data.file": data.file,
    "data.dataDir": data.dataDir,
    "model.file": model.file,
    "model.initialWeights": model.initialWeights,
    "algorithm.file": algorithm.file,
    "devices.trace": devices.trace,
  };
  for (const [key, value] of Object.entries(values)) if (value !== undefined) throw namesFile(key, value);
  if (data.dataset.includes(":")) throw namesFile("data.dataset", data.dataset);
}

function namesFile(where: string, received: string): AnabranchError {
  return new AnabranchError({
    code: "dashboard/files",
    message: "a run that is started here cannot use own files",
    where,
    received: JSON.stringify(received),
    expected: "bundled or downloaded data, built-in models and methods",
    advice: "Write a configuration file, and start it with: anabranch run FILE",
  });
}
