/** LaTeX's commands for the marks of decomposed letters. */
const accents: Readonly<Record<string, string>> = {
  "\u0300": "`",
  "\u0301": "'",
  "\u0302": "^",
  "\u0303": "~",
  "\u0304": "=",
  "\u0306": "u",
  "\u0307": ".",
  "\u0308": '"',
  "\u030a": "r",
  "\u030b": "H",
  "\u030c": "v",
  "\u0327": "c",
  "\u0328": "k",
};

/** What LaTeX writes for a character. Braces are spelt out: BibTeX would count escaped ones too. */
const characters: Readonly<Record<string, string>> = {
  ...{ "&": "\\&", "%": "\\%", $: "\\$", "#": "\\#", _: "\\_" },
  ...{ "{": "{\\textbraceleft}", "}": "{\\textbraceright}", "\\": "{\\textbackslash}" },
  ...{ "~": "{\\textasciitilde}", "^": "{\\textasciicircum}" },
  ...{ ß: "{\\ss}", ø: "{\\o}", Ø: "{\\O}", ł: "{\\l}", Ł: "{\\L}", æ: "{\\ae}", Æ: "{\\AE}", œ: "{\\oe}", ı: "{\\i}" },
  ...{ "–": "--", "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''" },
};

/** Words of titles that are no acronyms and keep their capital all the same. */
const properNouns = new Set(
  "Adam Bayesian Byzantine Dirichlet Frank Gauss Gaussian Hessian Lipschitz Muon Nesterov Newton Shampoo Wolfe".split(
    " ",
  ),
);

/** Text as a BibTeX field holds it: specials escaped, letters with marks as commands in braces. */
export function latexText(text: string): string {
  return text
    .normalize("NFD")
    .replace(/\p{L}\p{M}+|\P{ASCII}|[&%$#_{}\\~^]/gu, (part) => accented(part) ?? characters[part] ?? part)
    .normalize("NFC");
}

/** A title whose acronyms, names and single capitals stand in braces, so that BibTeX leaves them as they are. */
export function latexTitle(title: string): string {
  let result = "";
  let end = 0;
  for (const { 0: word, index } of title.matchAll(/[\p{L}\p{N}\p{M}]+/gu)) {
    const latex = latexText(word);
    result += latexText(title.slice(end, index)) + (keepsCapitals(word) ? `{${latex}}` : latex);
    end = index + word.length;
  }
  return result + latexText(title.slice(end));
}

/** The letters and digits of a text in lower-case ASCII, for keys: "Konečný" is "konecny". */
export function plainLetters(text: string): string {
  return text
    .normalize("NFD")
    .replace(/\P{ASCII}/gu, (character) => characters[character] ?? "")
    .replace(/[^A-Za-z0-9]/g, "")
    .toLowerCase();
}

/** A letter with one mark: `{\"u}`, `{\v{c}}`, `{\'{\i}}`; undefined for anything else. */
function accented(part: string): string | undefined {
  const [letter, mark, ...more] = part;
  const command = accents[mark ?? ""];
  if (command === undefined || more.length > 0) return undefined;
  if (/^[ij]$/.test(letter!) && !/[ck]/.test(command)) return `{\\${command}{\\${letter}}}`;
  return /[a-z]/i.test(command) ? `{\\${command}{${letter}}}` : `{\\${command}${letter}}`;
}

/** "FedCM", "IID" and the "K" of "K-FAC" do; the article "A" and common words do not. */
function keepsCapitals(word: string): boolean {
  return /.\p{Lu}/u.test(word) || /^[B-Z]$/.test(word) || properNouns.has(word);
}
