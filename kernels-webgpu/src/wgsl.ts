/**
 * The `wgsl` tag: small pieces of shader text that nest without losing their indentation.
 *
 * @module
 */

/** What may stand in a template: text, numbers, lists (one item a line), and nothing (`false`, `null`). */
export type WgslPart = string | number | false | null | undefined | readonly WgslPart[];

function lines(part: WgslPart): string {
  if (part === false || part === null || part === undefined) return "";
  if (typeof part === "object") return part.map(lines).filter((line) => line !== "").join("\n");
  return String(part);
}

/**
 * Shader text: the indentation that all lines share is cut, and a part of several lines takes the indentation of the place
 * where it stands. A line that held only empty parts is dropped.
 */
export function wgsl(strings: TemplateStringsArray, ...parts: readonly WgslPart[]): string {
  let text = strings[0]!;
  parts.forEach((part, i) => {
    const indent = /(?:^|\n)([ ]*)$/.exec(text)?.[1];
    const insert = lines(part);
    text += indent === undefined ? insert : insert === "" ? "\u0000" : insert.replaceAll("\n", `\n${indent}`);
    text += strings[i + 1]!;
  });
  const kept = text.split("\n").filter((line) => line.trim() !== "\u0000").map((line) =>
    line.replaceAll("\u0000", "")
  );
  while (kept.length > 0 && kept[0]!.trim() === "") kept.shift();
  while (kept.length > 0 && kept.at(-1)!.trim() === "") kept.pop();
  const depths = kept.filter((line) => line.trim() !== "").map((line) => /^ */.exec(line)![0].length);
  const depth = Math.min(...depths, Infinity);
  return kept.map((line) => line.slice(Number.isFinite(depth) ? depth : 0)).join("\n");
}

/** A float32 constant of shader text, exact and never an integer literal. */
export function float(value: number): string {
  const rounded = Math.fround(value);
  const text = String(rounded);
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
}
