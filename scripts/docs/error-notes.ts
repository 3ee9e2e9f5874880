/** What the page of errors adds to the sources: what an area is about, and what they leave open of single codes. */
export interface AreaNote {
  readonly about: string;
  /** The next step of codes whose error names none. */
  readonly next: string;
}

const REPORT = "This is a bug in Anabranch or in code that uses the library. Please report it with the message.";
const METHOD = "Correct the part of the method that `where` names; `examples/own-algorithm.ts` is a complete one.";
const MODEL = "Correct the part of the model that `where` names; `examples/own-model.ts` is a complete one.";
const OPERATOR_LOG = "Nothing to do: the client reconnects, or the log of the server has the reason.";

export const areaNotes: Readonly<Record<string, AreaNote>> = {
  adapters: {
    about: "Low-rank adapters of frozen weights.",
    next: "Correct the shapes or the option that the message names.",
  },
  aggregation: { about: "Sums and means of updates.", next: REPORT },
  algorithm: { about: "Methods and their options.", next: "Run `anabranch methods NAME` for the options." },
  attack: {
    about: "Attacks of simulated clients.",
    next: "Correct the section `[attack]`; docs/robustness.md has it.",
  },
  explain: {
    about: "Maps of where models look in images.",
    next: "Choose another run or client; `anabranch explain --help` lists the options.",
  },
  audit: {
    about: "Gradient-inversion audits.",
    next: "Choose another attack; `anabranch audit --help` lists them.",
  },
  blob: { about: "Storage of models and updates, on disk or in S3.", next: "Check the address given with `--blobs`." },
  checkpoint: {
    about: "Saved states of a run.",
    next: "Start a new run, or continue with the settings of the old one.",
  },
  client: { about: "A client of a run, simulated or live.", next: "The message names the client; look at its data." },
  "client-state": { about: "State that clients keep between rounds.", next: "Start a new run." },
  clock: { about: "Simulated time.", next: "Correct `[devices]` in the configuration." },
  codec: { about: "Compression of uploads.", next: "Choose a codec and options that METHODS.md lists." },
  config: {
    about: "Configuration files.",
    next: "Correct the key that `where` names; docs/configuration.md has all keys.",
  },
  dashboard: { about: "The page of a folder of runs.", next: "Start `anabranch dashboard` again." },
  data: { about: "Data sets and own data files.", next: "Correct the file at the place that `where` names." },
  diagnostics: { about: "Measurements of `[diagnostics]`.", next: "Nothing to do: the run continues without it." },
  engine: {
    about: "Traced tensors and programs.",
    next: "Correct the traced function; the message names operator and shapes.",
  },
  event: { about: "Lines of events.jsonl.", next: "Leave the line out, or restore the file from a copy." },
  execution: { about: "Use of the machine.", next: "Nothing to do, or lower `execution.workers`." },
  executor: { about: "ONNX Runtime and the interpreter.", next: "Run `anabranch doctor`." },
  fairness: {
    about: "`anabranch fairness`.",
    next: "Choose another run or column; docs/fairness.md has what the command needs.",
  },
  golden: {
    about: "`npm run golden`, in the repository.",
    next: "Give a file with one case or a list: `{operation, input, options}`.",
  },
  http: { about: "Requests to a server.", next: "Correct the request; docs/protocol.md has the routes." },
  identity: { about: "The key of a live client.", next: "Restore the folder of the client from a copy." },
  ledger: { about: "The database of a live run.", next: "Check the address given with `--ledger`." },
  live: { about: "Live runs: server and clients.", next: OPERATOR_LOG },
  local: { about: "Own modules: data sets, models, methods.", next: "Correct the module that `where` names." },
  method: { about: "What a method declares and returns.", next: METHOD },
  model: { about: "Models and their options.", next: MODEL },
  node: { about: "The version of Node.", next: "Install Node 24 or newer." },
  operator: { about: "Steering a live run.", next: "Give the operator's token with `--token`." },
  operators: { about: "Operators of games, on devices.", next: "Correct the option that the message names." },
  params: { about: "Parameters, layouts and initial weights.", next: "Use weights that this model has written." },
  partition: {
    about: "Partitions of the examples.",
    next: "Correct `[data.partition]`; docs/configuration.md has the options.",
  },
  privacy: { about: "Differential privacy.", next: "Correct `[privacy]`; docs/privacy.md explains it." },
  protocol: { about: "Encoded broadcasts and updates.", next: "Use one version of Anabranch on both sides." },
  random: { about: "The random generator.", next: REPORT },
  round: { about: "A round as a whole.", next: "The failures before it in events.jsonl have the reasons." },
  run: { about: "Runs and their folders.", next: "List the runs with: `anabranch list`." },
  safetensors: { about: "Files of tensors.", next: "Restore the file from a copy, or write it again." },
  schedule: { about: "Asynchronous rounds.", next: REPORT },
  "secure-aggregation": {
    about: "Secure aggregation: its parameters, and messages that a party refuses.",
    next: "A refused message leaves its receiver as it was. The round continues without the sender.",
  },
  selection: { about: "Cohorts.", next: "Correct `[churn]` or `[sampler]`." },
  serve: { about: "The start of a live run.", next: "Correct the options of `anabranch serve`." },
  server: { about: "The server's address and its runs.", next: "Correct the options of `anabranch serve`." },
  store: { about: "Reading and writing files.", next: "Check the folder, its permissions and the free space." },
  sweep: { about: "Sweeps and their folders.", next: "Wait for the other process, or stop it." },
  tls: { about: "Certificates of a server.", next: "Give PEM files with `--tls-cert` and `--tls-key`." },
  topology: {
    about: "Graphs of decentralized runs.",
    next: "Correct the options of the graph that the message names.",
  },
  trace: { about: "`npm run trace`, in the repository.", next: "docs/command-line.md#traces has the keys." },
  trust: { about: "Permission to run own modules.", next: "Look at the files, then start the command again." },
  update: {
    about: "Updates that the server refuses; their client counts as failed.",
    next: "Use one version of Anabranch and one model on both sides.",
  },
  upload: { about: "Uploads of live clients.", next: "Nothing to do: the client sends the upload again." },
  usage: { about: "The command line.", next: "Run the command with `--help`." },
  worker: { about: "Worker threads.", next: "The task is repeated. If it returns, lower `execution.workers`." },
};

/** Causes and next steps of codes whose errors do not have them in the sources. */
export const codeNotes: Readonly<Record<string, { readonly cause?: string; readonly next?: string }>> = {
  "aggregation/memory": { cause: "the updates of a round do not fit the memory that the rule may use" },
  "attack/attackers": { cause: "a list names a client that there is not, or no client would be honest" },
  "blob/address": {
    cause: "the address of the S3 storage is not valid",
    next: "Correct the address as the message shows.",
  },
  "blob/no-tls": { next: "Use an `https:` endpoint, unless the storage is on a private network." },
  "checkpoint/executor": { next: "Continue on the machine and executor of the checkpoint for equal bits." },
  "client/absent": { next: "Nothing to do: the server gives the work to clients that are connected." },
  "client/epsilon": { next: "Raise `--max-epsilon`, or ask the operator for more noise." },
  "client/failed": { next: "Look at the client's own terminal; it does not send the reason." },
  "client/late": { cause: "the client made no progress in time", next: "Raise the deadline of `anabranch serve`." },
  "client/unresponsive": { next: "Nothing to do: `[churn]` of the configuration says which clients stop." },
  "client/left": { next: "Start the client again to take part." },
  "client/no-data": { next: "Use fewer clients, or a partition that leaves no client empty." },
  "config/not-writable": { next: "Check the folder and its permissions." },
  "config/unreadable": { next: "Check the path and its permissions." },
  "dashboard/start": {
    cause: "the process of the new run ended before it reported",
    next: "Start the run with `anabranch run`.",
  },
  "data/csv-value": {
    cause: "a value or a label is missing; a feature or a target is not a number; a column has both text and numbers",
  },
  "data/leaf": {
    cause:
      "a file does not have the layout of LEAF; a user has no data; an example does not have the form of the first",
  },
  "data/lost-edges": { next: "Nothing to do; fewer clients lose fewer edges." },
  "data/not-found": { next: "Run `anabranch datasets --download NAME`, or set `data.dataDir`." },
  "engine/constant": { cause: "a number does not fit the element type of the tensor beside it" },
  "executor/fallback": { next: "Run `anabranch doctor` to get the faster executor back." },
  "executor/unknown": { next: "Choose one of the executors that the message lists." },
  "http/not-found": { next: "Check the address." },
  "live/ejected": { next: "Ask the operator." },
  "live/examples": { next: "Use one version of Anabranch on both sides." },
  "live/full": { next: "Wait for a place, or ask the operator for a larger `data.clients`." },
  "live/metadata": { next: "Use one version of Anabranch on both sides." },
  "live/no-data": { next: "Join with data that have examples." },
  "live/not-needed": { cause: "the round ended before this order did" },
  "live/not-yet": { next: "Change the setting, or use `anabranch run`." },
  "live/number": { next: "Use the folder in which this client joined first." },
  "live/replaced": { next: "Use one process per client folder." },
  "live/run-failed": { next: "Wait: the client continues when the operator resumes the run." },
  "live/stopped": { next: "Start `anabranch join` again." },
  "method/client-state": { cause: "the client half keeps other vectors than the method declares" },
  "method/reference": { next: 'Write it as `AUTHORS, "TITLE", VENUE YEAR, arXiv:ID`.' },
  "method/tensor": { cause: "a traced tensor is missing" },
  "model/masks": { cause: "the masks of the model are not a list" },
  "model/tensor": { cause: "a traced tensor is missing" },
  "model/unknown": { next: "Run `anabranch models` for the names." },
  "node/version": { cause: "this Node lacks something that Node 24 has" },
  "privacy/client-evaluation": { next: "Keep these files to the operator, or set `evaluation.clientEvery = 0`." },
  "privacy/fixed-size-sampling": { next: 'Set `sampler.name = "poisson"` for a smaller epsilon.' },
  "privacy/guarantee": { cause: "the guarantee of the run needs attention, as the warning explains" },
  "privacy/initial-weights": { next: "Start from random or public weights for a guarantee of its own." },
  "privacy/sum-only": { next: "Set `secureAggregation.protocol` so that the server sees the sum alone." },
  "privacy/test-rows": { next: "Give a separate test set, or keep these files to the operator." },
  "round/client-failed": { cause: 'a client failed, and `stop.onClientFailure` is "stop"' },
  "secure-aggregation/cut": { next: "Raise `secureAggregation.range`." },
  "secure-aggregation/quantization": { next: "Correct `bits`, `range` or `maxWeight` in `[secureAggregation]`." },
  "store/not-a-folder": { next: "Choose another folder, or remove the file." },
  "trace/invalid": { cause: "the problem has a value that is not allowed" },
  "trace/unknown-key": { cause: "the problem has an unknown key" },
  "trust/declined": { next: "Start the command again and agree, or use `--trust`." },
  "usage/declined": { next: "Start the command again and agree, or use `--yes`." },
  "usage/excess-arguments": { cause: "the command got more arguments than it takes" },
  "usage/missing-value": { cause: "an option got no value" },
  "usage/no-folder": { next: "Create the folder first." },
  "usage/unknown-command": { cause: "unknown command" },
  "usage/unknown-option": { cause: "unknown option" },
};
