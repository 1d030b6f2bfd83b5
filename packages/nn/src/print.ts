/**
 * How modules print: the text of `String(module)`, character for character that of PyTorch.
 *
 * @module
 */

import type { AnyModule } from "./module.ts";
import { ownModules } from "./registry.ts";

/** Modules that are being printed: one that holds itself prints as `Net(...)` inside. */
const printing = new Set<AnyModule>();

/** The name of a module's class. */
export function classNameOf(module: AnyModule): string {
  return (module as unknown as { readonly constructor: { readonly name: string } }).constructor.name;
}

/**
 * The text of a module: its class, `extraRepr()`, and its children, indented.
 *
 * @param collapse Write equal neighbours once, as `(0-2): 3 x Linear(…)`: the form of a ModuleList.
 */
export function formatModule(module: AnyModule, collapse: boolean = false): string {
  const name = classNameOf(module);
  if (printing.has(module)) return `${name}(...)`;
  printing.add(module);
  try {
    const children = ownModules(module).map(([key, child]) => ({ key, text: String(child) }));
    const extra = module.extraRepr();
    if (children.length === 0) {
      if (extra === "") return `${name}()`;
      if (!extra.includes("\n")) return `${name}(${extra})`;
    }
    const lines = extra === "" ? [] : extra.split("\n");
    lines.push(...(collapse ? collapsed(children) : children.map(({ key, text }) => `(${key}): ${text}`)));
    return `${name}(\n${lines.map(indent).join("\n")}\n)`;
  } finally {
    printing.delete(module);
  }
}

function indent(text: string): string {
  return text.split("\n").map((line) => `  ${line}`).join("\n");
}

function collapsed(children: readonly { key: string; text: string }[]): string[] {
  const lines: string[] = [];
  for (let i = 0, end = 0; i < children.length; i = end) {
    const { key, text } = children[i]!;
    end = i + 1;
    while (children[end]?.text === text) end++;
    const last = children[end - 1]!.key;
    lines.push(end === i + 1 ? `(${key}): ${text}` : `(${key}-${last}): ${end - i} x ${text}`);
  }
  return lines;
}
