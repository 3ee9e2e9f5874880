/**
 * Version of these packages; another version may train other bits. A test compares it with package.json.
 *
 * @example
 * ```ts
 * import { VERSION } from "@anabranch/core";
 * VERSION.split(".").length; // => 3
 * ```
 */
export const VERSION = "0.1.0";
