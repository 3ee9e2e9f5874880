/** A phrase that a text does not use, and what an engineer would say in its place. */
export interface Phrase {
  /** Case does not count, and a space stands for any white space: phrases are found over wrapped lines, too. */
  readonly pattern: string;
  readonly instead: string;
}

/**
 * Phrases that a reader stumbles over, because the field has a term for the thing or because they read as translated.
 * The list is short on purpose: a phrase belongs here when it came back after it had been corrected. What is fine in
 * some sentence is left out of its pattern, so that nothing needs an exception.
 */
export const phrases: readonly Phrase[] = [
  // The standard term wins over a paraphrase: people search for it.
  { pattern: "whole numbers?", instead: "integer" },
  { pattern: "cut to ((the |its )?range|\\[\\S+)", instead: "clipped to" },
  { pattern: "under masks", instead: "under secure aggregation" },
  { pattern: "worst tenth", instead: "bottom decile" },
  { pattern: "how far [^.]{0,40}\\b(a?part)\\b", instead: "drift" },
  { pattern: "hold(s|ing)? (nothing|examples|data) back|held back", instead: "hold out, hold-out" },
  { pattern: "whole clients|single records", instead: "client-level, record-level" },
  { pattern: "test figures", instead: "test metrics" },
  { pattern: "even odds", instead: "a 50 % belief" },
  { pattern: "deal(s|ing|t)?( \\w+)? out", instead: "partition, assign" },
  { pattern: "rooms", instead: "folders, modules" },
  { pattern: "texts", instead: "text, strings" },

  // "Per" for a rate: "a step" reads as one step.
  {
    pattern:
      "(gradients|rounds|steps|clients|bits|bytes|floats|values|examples|draws|images|curves?|files?|threads?|seconds|minutes|[µm]s|[GMK]B|GB/s)" +
      " an? (round|step|client|run|core|worker|session|draw|value|second|task|file|image|example|method|class)",
    instead: "per",
  },

  // Verbs for what programs do: they report, return, request and continue.
  { pattern: "(tells?|told)(?! (\\w+ )?apart)", instead: "report, return, show" },
  { pattern: "be left to", instead: "return, report" },
  { pattern: "sa(y|ys|id) so", instead: "report it, declare it" },
  { pattern: "ask(s|ed)? for", instead: "request, require" },
  { pattern: "(go|goes|going|went|gone) on", instead: "continue" },
  { pattern: "carr(y|ies|ied|ying) out", instead: "run, execute" },
  { pattern: "(comes?|came|coming) to", instead: "equal, reach" },
  { pattern: "(stands?|stood) (in|at|beside)", instead: "be in, appear in" },
  { pattern: "rests? on", instead: "depend on, assume" },
  { pattern: "mend(s|ed|ing)?", instead: "fix" },
  { pattern: "has no say", instead: "is ignored" },

  // Forms that read as translated.
  { pattern: "whoever", instead: "the party by its name: participants, an attacker, the server" },
  { pattern: "in one go", instead: "at once, together" },
  { pattern: "from \\d+ on", instead: "N or more, positive" },
  { pattern: "there is no \\S+ of this name", instead: "unknown ..." },
  {
    pattern: "(?<!there )(is|are) no (?!(longer|more|less|fewer|better|worse|larger|smaller)\\b)\\w+",
    instead: "is not a",
  },
];
