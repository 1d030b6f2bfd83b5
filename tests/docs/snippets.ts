/**
 * Reads the TypeScript snippets of a Markdown page, and what they say they print.
 *
 * Blocks marked `ts` run, all of a page as one program in order. A line comment `// → text` says what the
 * `console.log` before it prints; the lines after it that start with `//   ` continue the text. Blocks marked `ts ignore`,
 * `python`, `sh` and so on do not run.
 *
 * @module
 */

/** A page as a program. */
export interface Page {
  /** The blocks, one behind the other. */
  readonly code: string;
  /** The lines that the program should print. */
  readonly prints: readonly string[];
}

/** Reads the snippets of a Markdown text. */
export function readSnippets(markdown: string): Page {
  const blocks = [...markdown.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);
  const code = blocks.join("\n");
  const prints: string[] = [];
  let open = false;
  for (const line of code.split("\n")) {
    const start = /\/\/ → ?(.*)$/.exec(line);
    const next = /^\s*\/\/ {3}(.*)$/.exec(line);
    if (start !== null) prints.push(start[1]!.trimEnd());
    else if (open && next !== null) prints.push(next[1]!.trimEnd());
    open = start !== null || (open && next !== null);
  }
  return { code, prints };
}
