export { type JoinOptions, joinRun } from "./join-run.ts";
export { type JoinAddress, parseJoinUrl } from "./join-url.ts";
export { readServerTrust, type ServerTrust } from "./server-trust.ts";
export { type NodeTransport, nodeTransport, type TransportOptions } from "./transport.ts";
