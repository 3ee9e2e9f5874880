/** What a promise resolves to; undefined where the client leaves before. */
export async function unlessLeft<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  const left = Promise.withResolvers<undefined>();
  const leave = () => left.resolve(undefined);
  signal?.addEventListener("abort", leave, { once: true });
  if (signal?.aborted === true) leave();
  return Promise.race([promise, left.promise]).finally(() => signal?.removeEventListener("abort", leave));
}
