/**
 * Finds what a TypeScript file imports, with a real parser: a string or a comment that looks like an import is none.
 *
 * @module
 */

import { parseSync } from "vite";

/** One place in a file that names another module. */
export interface ImportSite {
  /** The name as written: `./a.ts`, `@flambeau/core`, `node:fs`. */
  readonly specifier: string;
  /** Line, from 1. */
  readonly line: number;
  /**
   * Whether nothing of it is left at run time. `import { type A } from` is not type-only: with verbatim module syntax
   * the module is still loaded.
   */
  readonly typeOnly: boolean;
}

/** Any node of the syntax tree; the kinds that matter here all have `source`. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly source?: { readonly value?: unknown } | null;
  readonly importKind?: string;
  readonly exportKind?: string;
}

const KINDS: ReadonlySet<string> = new Set([
  "ImportDeclaration", // import … from "x"
  "ExportNamedDeclaration", // export { … } from "x"
  "ExportAllDeclaration", // export * from "x"
  "ImportExpression", // import("x")
  "TSImportType", // typeof import("x"), import("x").T
]);

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as Node).type === "string";
}

function* walk(value: unknown): Generator<Node> {
  if (Array.isArray(value)) {
    for (const item of value) yield* walk(item);
  } else if (isNode(value)) {
    yield value;
    for (const child of Object.values(value)) yield* walk(child);
  }
}

/**
 * Lists the imports of a file, in order: static ones, re-exports, `import("x")` with a literal name and import types.
 *
 * @param file The file's name: its extension chooses the syntax.
 * @throws {SyntaxError} If the file does not parse.
 */
export function importSites(file: string, source: string): ImportSite[] {
  const { program, errors } = parseSync(file, source);
  if (errors.length > 0) throw new SyntaxError(`Cannot parse ${file}: ${errors[0]!.message}`);
  const sites: ImportSite[] = [];
  for (const node of walk(program)) {
    const specifier = KINDS.has(node.type) ? node.source?.value : undefined;
    if (typeof specifier !== "string") continue;
    sites.push({
      specifier,
      line: source.slice(0, node.start).split("\n").length,
      typeOnly: node.type === "TSImportType" || node.importKind === "type" || node.exportKind === "type",
    });
  }
  return sites;
}
