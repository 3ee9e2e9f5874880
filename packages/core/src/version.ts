/** Version of these packages; another version may train other bits. A test compares it with package.json. */
export const VERSION = "0.1.0";
