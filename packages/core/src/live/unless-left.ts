import type { ClientTransport } from "./ports.ts";

type Connection = Awaited<ReturnType<ClientTransport["connect"]>>;

/** A connection, or undefined where the client leaves before it is open: it is then closed when it is. */
export async function unlessLeft(opening: Promise<Connection>, signal?: AbortSignal): Promise<Connection | undefined> {
  const left = Promise.withResolvers<undefined>();
  const leave = () => left.resolve(undefined);
  signal?.addEventListener("abort", leave, { once: true });
  const link = await Promise.race([opening, left.promise]).finally(() => signal?.removeEventListener("abort", leave));
  if (link === undefined)
    opening.then(
      (late) => late.close(),
      () => {},
    );
  return link;
}
