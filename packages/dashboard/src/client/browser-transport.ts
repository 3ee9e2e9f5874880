import type { ClientTransport } from "@anabranch/core/live";
import { openControlSocket } from "./control-socket.ts";
import { Downloads } from "./downloads.ts";
import { Uploads } from "./uploads.ts";

/**
 * The way to a server from a page that it has served: control messages by WebSocket, tensors by HTTP. Every method makes
 * one try; a call that follows one that was cut off continues where that one ended.
 *
 * @param api address of the run's routes, without a slash at its end
 * @param counted called with bytes of tensors as they come and go
 */
export function browserTransport(api: string, counted: (way: "down" | "up", bytes: number) => void): ClientTransport {
  const downloads = new Downloads((bytes) => counted("down", bytes));
  const uploads = new Uploads((bytes) => counted("up", bytes));
  const bearer = (session: string) => ({ authorization: `Bearer ${session}` });
  return {
    origin: new URL(api).origin,
    connect: (on) => openControlSocket(api, on),
    download: (session, hash, bytes, progress) =>
      downloads.fetch({ url: `${api}/blobs/${hash}`, hash, bytes }, bearer(session), progress),
    upload: (session, order, hash, bytes, progress) =>
      uploads.send({ url: `${api}/orders/${order.replaceAll("/", ".")}`, hash, bytes }, bearer(session), progress),
  };
}
