import { AnabranchError } from "@anabranch/engine";

/** What is known of a failed connection: by the code that Node gives it. */
interface Known {
  /** `live/connection`: worth another try. */
  readonly code: "live/connection" | "live/certificate" | "live/protocol";
  readonly message: string;
  readonly advice: string;
}

const again = (message: string, advice: string): Known => ({ code: "live/connection", message, advice });
const untrusted: Known = {
  code: "live/certificate",
  message: "the server's certificate is signed by an authority that this machine does not trust",
  advice:
    "For a trial certificate, add --fingerprint SHA256 as anabranch serve prints it, or --ca FILE with the certificate.",
};

const routes = "Check the network, the address and the firewalls between this machine and the server.";

const known: Readonly<Record<string, Known>> = {
  ECONNREFUSED: again(
    "nothing answers at this address and port",
    "Check that anabranch serve is running there, and that the port is right.",
  ),
  ENOTFOUND: again(
    "the server's host name is unknown",
    "Check its spelling, and whether this machine has a network and a name server.",
  ),
  EAI_AGAIN: again("the server's host name cannot be looked up now", "Check this machine's network and name server."),
  ETIMEDOUT: again("the server does not answer", routes),
  EHOSTUNREACH: again("there is no route to the server", routes),
  ENETUNREACH: again("there is no route to the server", routes),
  ECONNRESET: again(
    "the connection was cut off",
    "If this persists, check that the link begins with https:// where the server uses TLS.",
  ),
  CERT_HAS_EXPIRED: {
    code: "live/certificate",
    message: "the server's certificate has expired",
    advice: "Check this machine's clock. If it is right, ask the operator to renew the certificate.",
  },
  CERT_NOT_YET_VALID: {
    code: "live/certificate",
    message: "the server's certificate is not valid yet",
    advice: "Check this machine's clock, then the server's.",
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    code: "live/certificate",
    message: "the server's certificate is for another host name",
    advice: "Use the name in the certificate in the link, or add --fingerprint SHA256 as anabranch serve prints it.",
  },
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  EPROTO: {
    code: "live/protocol",
    message: "the server does not use TLS, or none that this client supports",
    advice: "If the server was started without TLS, its link begins with http://.",
  },
};

/** A failed connection as an error that says whether to try again (`live/connection`) and what to do. */
export function connectionError(error: unknown, origin: string): AnabranchError {
  if (error instanceof AnabranchError) return error;
  const code = codeOf(error);
  const text = error instanceof Error && error.message !== "" ? error.message : String(error);
  const { message, advice, ...kind } = known[code] ?? unknownKind(code);
  return new AnabranchError({ ...kind, message, where: origin, received: text, advice, cause: error });
}

/** The same for a connection that never began. A server with TLS hangs up on clients without it, and gives no reason. */
export function handshakeError(error: unknown, origin: string): AnabranchError {
  const failed = connectionError(error, origin);
  if (codeOf(error) !== "ECONNRESET" || !origin.startsWith("http:")) return failed;
  const message = "the server hung up; if it uses TLS, the link has to begin with https://";
  return new AnabranchError({ ...failed.failure, message });
}

function unknownKind(code: string): Known {
  if (code.startsWith("HPE_") || code === "WS_ERR_INVALID") {
    return {
      code: "live/protocol",
      message: "the answer is not HTTP",
      advice: "Check the port. Where the server uses TLS, its link begins with https://.",
    };
  }
  return again("the connection failed", routes);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
