/** One requirement as a plain function, so that any test runner can run it. It rejects with what was found. */
export interface Case {
  readonly name: string;
  run(): Promise<void>;
}

/** Rejects the case with a message. */
export function check(holds: boolean, message: string): void {
  if (!holds) throw new Error(message);
}
