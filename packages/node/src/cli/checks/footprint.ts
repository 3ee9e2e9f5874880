import { resolve } from "node:path";
import { disableTelemetry } from "@anabranch/engine";
import { cacheFolder } from "../../data/places.ts";
import type { Check } from "./check.ts";

/** What reports about a run to anybody, which nothing should. See SECURITY.md. */
export function phonesHome(platform: NodeJS.Platform = process.platform): readonly string[] {
  return platform === "win32" ? ["onnxruntime-node, by Event Tracing for Windows"] : [];
}

/** Telemetry is off, and what uses the network. */
export function telemetryCheck(platform?: NodeJS.Platform): Check {
  return {
    name: "telemetry",
    look() {
      disableTelemetry();
      const senders = phonesHome(platform);
      if (senders.length > 0) {
        const advice = "The library cannot turn it off. Windows diagnostics settings control what is sent.";
        return { status: "warn", message: `possible: ${senders.join("; ")}`, advice };
      }
      const message = 'off: no data are sent. Only "anabranch datasets --download" uses the network';
      return { status: "ok", message };
    },
  };
}

/** The folders that commands write into, beside files that a command names (`new`, `export`, `compare`). */
export interface WrittenFolders {
  readonly runs: string;
  /** Downloads, which files of others were trusted, and compiled sources. */
  readonly cache: string;
}

export function writtenFolders(runs: string): WrittenFolders {
  return { runs: resolve(runs), cache: cacheFolder({}) };
}

export function foldersCheck(runs: string): Check {
  return {
    name: "written folders",
    look() {
      const { runs: root, cache } = writtenFolders(runs);
      const uses = [`${root} (runs and sweeps)`, `${cache} (downloads, trusted files, compiled sources)`];
      return {
        status: "ok",
        message: `${uses.join(", ")}, and the files named on the command line of "new", "export" and "compare"`,
      };
    },
  };
}
