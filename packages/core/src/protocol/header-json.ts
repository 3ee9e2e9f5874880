/** Two looks at a JSON text, each in one pass without recursion: its size before it is parsed, and its keys after. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** How large the parsed value of a JSON text can become. */
export interface JsonLimits {
  /** Objects and lists inside each other. */
  readonly maxDepth: number;
  /** Objects, lists and elements of both. */
  readonly maxValues: number;
}

/**
 * The limit that a text exceeds, or undefined. The text need not be valid JSON. Without this check a header of nested
 * lists overflows the stack of whatever walks through the parsed value.
 */
export function exceededLimit(json: string, limits: JsonLimits): keyof JsonLimits | undefined {
  let depth = 0;
  let values = 0;
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '"') at = endOfString(json, at);
    else if (character === "{" || character === "[") {
      if (++depth > limits.maxDepth) return "maxDepth";
      if (++values > limits.maxValues) return "maxValues";
    } else if (character === "}" || character === "]") depth--;
    else if (character === "," && ++values > limits.maxValues) return "maxValues";
  }
  return undefined;
}

/**
 * The first key that occurs twice in one object of a JSON text, or undefined. `JSON.parse` silently keeps the last of two
 * equal keys, so two readers could see different files. The text must be valid JSON.
 */
export function duplicateKey(json: string): string | undefined {
  const open: Set<string>[] = [];
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === "{") open.push(new Set());
    else if (character === "}") open.pop();
    else if (character === '"') {
      const end = endOfString(json, at);
      if (isKey(json, end)) {
        const key: string = JSON.parse(json.slice(at, end + 1));
        const keys = open.at(-1);
        if (keys?.has(key)) return key;
        keys?.add(key);
      }
      at = end;
    }
  }
  return undefined;
}

/** Index of the closing quote of the string that starts at `start`; the text's length where there is none. */
function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json.charCodeAt(at) !== QUOTE) at += json.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return Math.min(at, json.length);
}

/** Whether the string that ends at `end` is followed by a colon. */
function isKey(json: string, end: number): boolean {
  let at = end + 1;
  while (json[at] === " " || json[at] === "\n" || json[at] === "\r" || json[at] === "\t") at++;
  return json[at] === ":";
}
