/** Texts that a stranger's run, data or module may hold; for tests. */

/** What each would do where it was printed as it is. */
export const hostileTexts: readonly string[] = [
  "\u001b[31mred\u001b[2J\u001b[H", // colours, clears the screen
  "\u001b]0;title\u0007", // renames the window
  "\u001b]8;;https://evil.example\u001b\\link\u001b]8;;\u001b\\", // OSC 8: a link with another address
  "\u001b]52;c;ZXZpbA==\u0007", // OSC 52: writes the clipboard
  "\u009b31mC1\u009d52;c;ZXZpbA==\u009c", // the same by single C1 controls
  "safe\u202etxt.exe\u202c\u2066\u2069\u200f", // another order than that of reading
  "in\u200bvisi\u2060ble\ufeff\u00ad\u{e0041}", // other text than it looks
  "line\nbreak\r\nand\rreturn\u2028separator\u2029\u0085", // lines of its own
  "tab\tnul\u0000bs\b\b\bff\fvt\v\u007f", // over what stands before it
  "half \ud800 pair \udfff \ufffe \uffff", // no characters
  `<script>alert(1)</script><img src=x onerror=alert(1)>"'&lt;&#0;]]><!--`,
  "| cell | cell |\n| --- |\n# heading\n- item\n\\| \\\\| `code` ``` <b>b</b>",
  "[text](javascript:alert(1)) ![i](http://x) https://evil.example www.evil.example a@b.example $x$ &copy; *b* _i_ ~s~",
  "=cmd|' /C calc'!A1",
  "% \\input{/etc/passwd} } @misc{x, $^_#&~",
  "{a|rich} {b} {@[0]} %s",
];
export const hostileText = hostileTexts.join(" ");
