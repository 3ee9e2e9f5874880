import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

/** Where the built pages may lie: in the installed package, or in a clone. */
const folders = ["../pages", "../../../dashboard/dist"].map((path) => fileURLToPath(new URL(path, import.meta.url)));

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

const compress = promisify(gzip);

/** A file as it goes to a browser. */
interface PageFile {
  readonly type: string;
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly compressed: Uint8Array<ArrayBuffer>;
}

/** The pages' files: those that were there at the start, by path, and no others. Each is read and compressed once. */
export class PageFiles {
  readonly #folder: string;
  readonly #names: ReadonlySet<string>;
  readonly #files = new Map<string, Promise<PageFile>>();

  /** @param folder with index.html, run/index.html, join/index.html and assets/ */
  constructor(folder: string) {
    this.#folder = folder;
    const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => name.split(sep).join("/"));
    this.#names = new Set(names.filter((name) => extname(name) in types));
  }

  /** The built pages; undefined where they were not built. */
  static open(): PageFiles | undefined {
    const folder = folders.find((path) => readable(join(path, "index.html")));
    return folder === undefined ? undefined : new PageFiles(folder);
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  /**
   * The answer to a request for a file; undefined where there is none of this name.
   *
   * @param name such as "assets/index-B2f0.js"; files in assets/ have a hash of their content in their names
   * @param accepted the request's Accept-Encoding header
   */
  async response(name: string, accepted: string | undefined): Promise<Response | undefined> {
    if (!this.#names.has(name)) return undefined;
    const known = this.#files.get(name) ?? this.#read(name);
    this.#files.set(name, known);
    const { type, plain, compressed } = await known;
    const gzipped = /\bgzip\b/.test(accepted ?? "");
    const lasting = name.startsWith("assets/") ? "public, max-age=31536000, immutable" : "no-cache";
    return new Response(gzipped ? compressed : plain, {
      headers: {
        "Content-Type": type,
        "Cache-Control": lasting,
        Vary: "Accept-Encoding",
        ...(gzipped && { "Content-Encoding": "gzip" }),
      },
    });
  }

  async #read(name: string): Promise<PageFile> {
    const plain = new Uint8Array(await readFile(join(this.#folder, name)));
    return { type: types[extname(name)]!, plain, compressed: new Uint8Array(await compress(plain)) };
  }
}

function readable(path: string): boolean {
  try {
    return readFileSync(path).length > 0;
  } catch {
    return false;
  }
}
