export { type ConfigField, configFields } from "./fields.ts";
export { minimalToml } from "./minimal.ts";
export { editDistance, nearest } from "./nearest.ts";
export { applyOverrides, type RawConfig } from "./overrides.ts";
export { configHash, renderToml } from "./render.ts";
export { resolveConfig } from "./resolve.ts";
export { type Config, type ConfigInput, configSchema } from "./schema.ts";
export { commentedTemplate } from "./template.ts";
export { parseConfig, parseToml } from "./toml.ts";
