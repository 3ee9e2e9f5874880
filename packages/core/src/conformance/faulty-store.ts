import { AnabranchError } from "@anabranch/engine";
import type { KeptStates, Ledger, SecureRecords } from "../live/ports.ts";
import type { BlobStore } from "../round/blob-store.ts";
import type { FaultSource } from "./fault-source.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { VirtualTimers } from "./virtual-timers.ts";

const FAILED = "simulated/store";
const STALL_MS = 30_000;

/**
 * A store of a process that can crash before, during and after each call: then the call never returns, and what was under way
 * may be done or not. It may take long, and it may throw, with or without an effect.
 */
export function faultyStore<T extends BlobStore | Ledger | KeptStates | SecureRecords>(
  store: T,
  process: SimulatedProcess,
  source: FaultSource,
  timers: VirtualTimers,
): T {
  const never = new Promise<never>(() => {});
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      const where = String(name);
      return async (...given: unknown[]) => {
        if (!process.point(`before ${where}`)) return never;
        if (source.happens("stall")) {
          const waited = new Promise<void>((resolve) => void timers.after(STALL_MS * source.random(), resolve));
          // what a process leaves under way is done or not before its successor starts
          await Promise.race([waited, process.died]);
          if (!process.isAlive && !source.happens("inFlight")) return never;
        }
        if (source.happens("fail")) throw failed(where);
        const result: unknown = await Promise.resolve(member.apply(target, given)).catch((error: unknown) => {
          if (process.isAlive) throw error;
          return never; // whatever its successor has made of the store
        });
        if (source.happens("failAfter")) throw failed(where);
        await new Promise<void>((resolve) => process.whenAwake(`after ${where}`, resolve));
        return result;
      };
    },
  });
}

/** Whether an error is of a store that was to fail. */
export function isStoreFailure(error: unknown): boolean {
  return error instanceof AnabranchError && error.code === FAILED;
}

/** Whether a text tells of such an error. */
export function tellsOfStore(text: string): boolean {
  return text.includes("a simulated store does not answer");
}

function failed(where: string): AnabranchError {
  return new AnabranchError({ code: FAILED, message: "a simulated store does not answer", where });
}
