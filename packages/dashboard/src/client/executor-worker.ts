import { ExecutorService, type FromExecutor, failureOf, type ToExecutor } from "@anabranch/core/live";
import { onnxruntimeWeb } from "@anabranch/engine";

/** Runs programs by WebAssembly, so that the client's worker can answer the server meanwhile. */
const opened = onnxruntimeWeb();

addEventListener("message", ({ ports: [port] }: MessageEvent) => port !== undefined && serve(port), { once: true });

function serve(port: MessagePort): void {
  const post = (message: FromExecutor, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  opened.then(
    ({ name, version, float }) => post({ type: "ready", name, version, float }),
    (error: unknown) => post({ type: "broken", failure: failureOf(error) }),
  );
  const service = new ExecutorService(opened, post);
  port.onmessage = ({ data }: MessageEvent<ToExecutor>) => service.receive(data);
}
