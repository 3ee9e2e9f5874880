import { AnabranchError, type Failure } from "@anabranch/engine";

/** A request that is refused, with the status of the answer. */
export class HttpError extends AnabranchError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, failure: Failure, headers: Readonly<Record<string, string>> = {}) {
    super(failure);
    this.status = status;
    this.headers = headers;
  }
}

/** What a refused request gets as JSON. */
export interface ErrorBody {
  /** Stable identifier, `area/reason`. */
  readonly code: string;
  readonly message: string;
  readonly advice?: string;
}

/** Statuses of errors that other parts throw; every other one is a fault of the server. */
const statuses: Readonly<Record<string, number>> = {
  "store/disk-full": 507,
  "blob/name": 404,
  "live/over": 409,
};

/**
 * The answer to a request that failed. An unexpected error tells the client nothing but that it happened: paths of this
 * machine and stacks stay in the log.
 */
export function errorResponse(error: unknown): Response {
  const status = statusOf(error);
  const headers = error instanceof HttpError ? error.headers : {};
  return Response.json(bodyOf(error, status), { status, headers: { "Cache-Control": "no-store", ...headers } });
}

export function statusOf(error: unknown): number {
  if (error instanceof HttpError) return error.status;
  return error instanceof AnabranchError ? (statuses[error.code] ?? 500) : 500;
}

function bodyOf(error: unknown, status: number): ErrorBody {
  if (error instanceof HttpError || (error instanceof AnabranchError && status < 500)) {
    const { code, message, advice } = error.failure;
    return { code, message, ...(advice === undefined ? {} : { advice }) };
  }
  if (error instanceof AnabranchError && status === 507) {
    return {
      code: error.code,
      message: "the server's disk is full",
      advice: "What was received is kept. Try again after the operator has freed space.",
    };
  }
  return { code: "internal", message: "the server failed; its log has more" };
}

export function notFound(what = "nothing"): HttpError {
  return new HttpError(404, { code: "http/not-found", message: `there is ${what} at this address` });
}
