/** One requirement as a plain function, so that any test runner can run it. It rejects with what was found. */
export interface Case {
  readonly name: string;
  run(): Promise<void>;
}

/** Rejects the case with a message. */
export function check(holds: boolean, message: string): void {
  if (!holds) throw new Error(message);
}

/** Rejects the case unless two values of JSON are the same. */
export function checkSame(received: unknown, expected: unknown): void {
  const [got, wanted] = [JSON.stringify(received), JSON.stringify(expected)];
  check(got === wanted, `received ${got}, expected ${wanted}`);
}

/** The code of the error that a promise rejects with; says so where it does not reject. */
export async function rejection(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "no error",
    (error: unknown) => String((error as { code?: unknown }).code),
  );
}
