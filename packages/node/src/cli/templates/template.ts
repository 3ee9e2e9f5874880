/** A file that a template writes. */
export interface NewFile {
  /** Relative to the working directory. */
  readonly path: string;
  readonly text: string;
}

/** What a template makes of the names that the user gave. */
export interface NewFiles {
  /** The configuration, then what it names. */
  readonly files: readonly NewFile[];
  /** The command that uses them, e.g. "anabranch run federation.toml". */
  readonly next: string;
  /** What was decided for the user, a sentence each. */
  readonly remarks?: readonly string[];
}

/** Names and wishes of the user. */
export interface TemplateRequest {
  /** Configuration to write; absent: the template's usual name. */
  readonly file: string | undefined;
  /** Own data that the template describes. */
  readonly source?: string | undefined;
  /** Column with the class, and column with the owner. */
  readonly label?: string | undefined;
  readonly group?: string | undefined;
}

/** A kind of configuration that `anabranch new --template NAME` writes. */
export interface Template {
  readonly name: string;
  /** What it is, for the help. */
  readonly description: string;
  make(request: TemplateRequest): NewFiles | Promise<NewFiles>;
}
