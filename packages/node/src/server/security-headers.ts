/**
 * What browsers may do with answers of the server: nothing comes from elsewhere, nobody frames it, and pages are isolated,
 * as WebAssembly threads want.
 *
 * @param isClient whether it is the page of a browser client, which compiles WebAssembly
 */
export function securityHeaders(isClient: boolean): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'self'",
    `script-src 'self'${isClient ? " 'wasm-unsafe-eval'" : ""}`,
    "worker-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
  return {
    "Content-Security-Policy": policy,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
  };
}
