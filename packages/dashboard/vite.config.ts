import { defineConfig } from "vite";

/** Four pages, their workers and WebAssembly, with hashes in names. Addresses are relative: a server may lie below a path. */
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  resolve: {
    alias: [
      // without code for graphics cards, which is not used and twice as large
      { find: /^onnxruntime-web$/, replacement: "onnxruntime-web/wasm" },
      { find: /^onnxruntime-node$/, replacement: "data:text/javascript,export default undefined" },
    ],
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  worker: { format: "es", rolldownOptions: { checks: { pluginTimings: false } } },
  build: {
    outDir: "dist",
    target: "es2023",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1500,
    rolldownOptions: {
      checks: { pluginTimings: false },
      input: { index: "index.html", join: "join/index.html", run: "run/index.html", runs: "runs/index.html" },
    },
  },
});
