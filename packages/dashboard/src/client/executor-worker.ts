import { type Executable, type HostTensors, onnxruntimeWeb } from "@anabranch/engine";
import type { FromExecutor, ToExecutor } from "./executor-messages.ts";
import { failureOf } from "./failure-of.ts";

/** Runs programs by WebAssembly, one after the other, so that the client's worker can answer the server meanwhile. */
const opened = onnxruntimeWeb();
const executables = new Map<number, Executable>();

addEventListener("message", ({ ports: [port] }: MessageEvent) => port !== undefined && serve(port), { once: true });

function serve(port: MessagePort): void {
  const post = (message: FromExecutor) => port.postMessage(message, transferable(message));
  let turn: Promise<void> = opened.then(
    ({ name, version, float }) => post({ type: "ready", name, version, float }),
    (error: unknown) => post({ type: "broken", failure: failureOf(error) }),
  );
  port.onmessage = ({ data }: MessageEvent<ToExecutor>) => {
    turn = turn.then(async () => post(await answer(data)));
  };
}

async function answer(message: ToExecutor): Promise<FromExecutor> {
  const { id } = message;
  try {
    return { type: "done", id, outputs: await execute(message) };
  } catch (error) {
    return { type: "failed", id, failure: failureOf(error) };
  }
}

async function execute(message: ToExecutor): Promise<HostTensors> {
  switch (message.type) {
    case "load":
      executables.set(message.id, await (await opened).load(message.program));
      return {};
    case "run":
      return executables.get(message.executable)!.run(message.inputs);
    case "release":
      await executables.get(message.executable)?.release();
      executables.delete(message.executable);
      return {};
  }
}

/** Memory of outputs, which are fresh, that can be handed over; each once. */
function transferable(message: FromExecutor): ArrayBuffer[] {
  if (message.type !== "done") return [];
  const buffers = Object.values(message.outputs).map(({ data }) => data.buffer);
  return [...new Set(buffers)].filter((buffer) => buffer instanceof ArrayBuffer);
}
