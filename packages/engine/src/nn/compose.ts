import { add } from "../ops/elementwise.ts";
import type { Module } from "./module.ts";

/** Modules one after the other. */
export function sequential(...modules: readonly Module[]): Module {
  return {
    parameters: modules.flatMap((m) => m.parameters),
    masks: modules.flatMap((m) => m.masks),
    apply: (parameters, x, context) => modules.reduce((y, m) => m.apply(parameters, y, context), x),
  };
}

/** body(x) + shortcut(x); the shortcut is the identity unless given. */
export function residual(body: Module, shortcut?: Module): Module {
  return {
    parameters: [...body.parameters, ...(shortcut?.parameters ?? [])],
    masks: [...body.masks, ...(shortcut?.masks ?? [])],
    apply: (parameters, x, context) =>
      add(body.apply(parameters, x, context), shortcut?.apply(parameters, x, context) ?? x),
  };
}
