/** Names that a data set has beside its arrays. */
export interface DataNames {
  /** Of the classes, by label. */
  readonly classNames?: readonly string[];
  /** Characters of a text, by token. */
  readonly vocabulary?: readonly string[];
}

/** Characters that names may take in a description, which is one control message. */
const mostCharacters = 16_384;

/** The names of a data set; none where it has none, or more than a description holds. */
export function namesOf(data: DataNames | object): DataNames {
  const classNames = list("classNames" in data ? data.classNames : undefined);
  const vocabulary = list("vocabulary" in data ? data.vocabulary : undefined);
  return { ...(classNames && { classNames }), ...(vocabulary && { vocabulary }) };
}

function list(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value) || !value.every((name) => typeof name === "string")) return undefined;
  return JSON.stringify(value).length <= mostCharacters ? value : undefined;
}
