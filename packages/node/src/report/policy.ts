import { SCRIPT_SOURCE } from "./plot/page-script.ts";

/** What a report may do: show its own styles and run its own script. No address, no form. */
export const POLICY = `default-src 'none'; style-src 'unsafe-inline'; script-src ${SCRIPT_SOURCE}; base-uri 'none'; form-action 'none'`;
