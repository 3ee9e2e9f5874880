export { editDistance, nearest } from "../text/nearest.ts";
export { type ConfigField, configFields } from "./fields.ts";
export { minimalToml } from "./minimal.ts";
export { applyOverrides, type RawConfig } from "./overrides.ts";
export { configHash, renderToml } from "./render.ts";
export { resolveConfig } from "./resolve.ts";
export { type Config, type ConfigInput, configSchema } from "./schema.ts";
export { commentedTemplate } from "./template.ts";
export { parseConfig, parseToml } from "./toml.ts";
