/**
 * Holds the imports of the library to its floors: arrows point down, between packages and inside them.
 *
 * Between packages every import counts, types too: a floor that names a type of the floor above depends on it.
 * Inside a package only imports that survive compilation count, because a class whose methods call functions
 * that take the class is a circle of types in any arrangement, and nothing is loaded for it.
 *
 * Run: `deno task floors`. Tests are not read.
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { type Member, workspaceMembers } from "../tests/workspace_alias.ts";
import { type ImportSite, importSites } from "./import_sites.ts";

/** The floor of every member, by its name without the scope. */
const FLOORS: ReadonlyMap<string, number> = new Map([
  ["core", 0],
  ["compiler", 1],
  ["runtime", 1],
  ["reference", 1],
  ["kernels-wasm", 1],
  ["kernels-webgpu", 1],
  ["tensor", 2],
  ["autograd", 3],
  ["nn", 3],
  ["optim", 3],
  ["io", 3],
  ["data", 3],
  ["torch", 4],
  ["testing", 5], // development only: it may look at everything, and nothing looks at it
]);

const BACKENDS: ReadonlySet<string> = new Set(["reference", "kernels-wasm", "kernels-webgpu"]);
const WITHOUT_AUTOGRAD: ReadonlySet<string> = new Set(["nn", "optim", "io", "data"]);

/** What must hold between two different members; the first broken row is reported, so the telling ones stand first. */
const RULES: readonly { words: string; broken: (from: string, to: string) => boolean }[] = [
  { words: "testing is for tests only", broken: (_, to) => to === "testing" },
  {
    words: "only torch imports a backend, elsewhere it is an argument or registered",
    broken: (from, to) => BACKENDS.has(to) && from !== "torch",
  },
  {
    words: "nn, optim, io and data work without autograd, which fills a slot of tensor",
    broken: (from, to) => to === "autograd" && WITHOUT_AUTOGRAD.has(from),
  },
  { words: "kernels-wasm imports core only", broken: (from, to) => from === "kernels-wasm" && to !== "core" },
  { words: "a package imports lower floors only", broken: (from, to) => floor(to) >= floor(from) },
];

const SCOPE = "@flambeau/";
const SKIPPED_FOLDERS: ReadonlySet<string> = new Set(["testdata", "node_modules", "assembly", "dist"]);

/** The sources of one member: its name, its folder and the text of its files by path from the root. */
export interface MemberSources extends Pick<Member, "name" | "dir"> {
  /** Path from the root, with forward slashes → text. */
  readonly files: ReadonlyMap<string, string>;
}

function floor(name: string): number {
  return FLOORS.get(name)!;
}

function refusal(file: string, site: ImportSite, words: string): string {
  return `Cannot import "${site.specifier}" in ${file}:${site.line}: ${words}`;
}

/** What an import by bare name breaks, or `null`. */
function brokenBetween(from: string, specifier: string): string | null {
  if (!specifier.startsWith(SCOPE)) return null;
  const to = specifier.slice(SCOPE.length).split("/")[0]!;
  if (to === from) return "a package imports its own files by relative path";
  if (!FLOORS.has(to)) return `every package stands on a floor, got the unknown ${to}`;
  const rule = RULES.find(({ broken }) => broken(from, to));
  return rule ? `${rule.words}, got ${from} (floor ${floor(from)}) → ${to} (floor ${floor(to)})` : null;
}

/**
 * Finds a shortest circle in each knot of a graph of files.
 *
 * @param edges File → the files that it imports.
 * @returns Each circle as a path that ends where it began.
 */
function circles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const reported = new Set<string>();
  for (const start of edges.keys()) {
    if (reported.has(start)) continue;
    const circle = shortestCircle(start, edges);
    if (circle === null || circle.some((file) => reported.has(file))) continue;
    circle.forEach((file) => reported.add(file));
    found.push(circle);
  }
  return found;
}

/** Breadth first from `start` until some file imports `start` again. */
function shortestCircle(start: string, edges: ReadonlyMap<string, readonly string[]>): string[] | null {
  const cameFrom = new Map<string, string | null>([[start, null]]);
  for (const file of cameFrom.keys()) { // a Map yields what is added while it is walked
    for (const next of edges.get(file) ?? []) {
      if (next === start) {
        const path = [start];
        for (let at: string | null = file; at !== null; at = cameFrom.get(at)!) path.unshift(at);
        return path;
      }
      if (!cameFrom.has(next)) cameFrom.set(next, file);
    }
  }
  return null;
}

/**
 * Checks every import of the given members.
 *
 * @returns One line per violation, which names the file, the import and the rule; empty if all is well.
 */
export function checkFloors(members: readonly MemberSources[]): string[] {
  const errors: string[] = [];
  for (const { name, dir, files } of members) {
    const from = name.slice(SCOPE.length);
    if (!name.startsWith(SCOPE) || !FLOORS.has(from)) {
      errors.push(`Cannot place ${dir}: every package stands on a floor, got the unknown ${name}`);
      continue;
    }
    const edges = new Map<string, string[]>();
    for (const [file, source] of files) {
      const inside: string[] = [];
      for (const site of importSites(file, source)) {
        if (!site.specifier.startsWith(".")) {
          const broken = brokenBetween(from, site.specifier);
          if (broken !== null) errors.push(refusal(file, site, broken));
          continue;
        }
        const target = posix.join(posix.dirname(file), site.specifier);
        if (!target.startsWith(`${dir}/`)) {
          errors.push(refusal(file, site, `a package reaches another one by name, got a path out of ${dir}`));
        } else if (!site.typeOnly) {
          inside.push(target);
        }
      }
      edges.set(file, inside);
    }
    for (const circle of circles(edges)) {
      errors.push(`Cannot order ${dir}: imports form no circle, got ${circle.join(" → ")}`);
    }
  }
  return errors;
}

function sourcePaths(root: string, dir: string): string[] {
  return readdirSync(join(root, dir), { withFileTypes: true }).flatMap((entry) => {
    const path = `${dir}/${entry.name}`;
    if (entry.isDirectory()) return SKIPPED_FOLDERS.has(entry.name) ? [] : sourcePaths(root, path);
    return /\.[jt]s$/.test(entry.name) && !/(\.(test|bench)|^test_support)\.ts$/.test(entry.name)
      ? [path]
      : [];
  }).sort();
}

/**
 * Reads the sources of every member of a workspace, without tests and what they share (`test_support.ts`), AssemblyScript and built files.
 *
 * @param root The folder that holds the workspace's `deno.json`.
 */
export function readMembers(root: string): MemberSources[] {
  return workspaceMembers(root).map(({ name, dir }) => ({
    name,
    dir,
    files: new Map(sourcePaths(root, dir).map((path) => [path, readFileSync(join(root, path), "utf8")])),
  }));
}

if (import.meta.main) {
  const members = readMembers(join(import.meta.dirname!, ".."));
  const errors = checkFloors(members);
  errors.forEach((line) => console.error(line));
  const files = members.reduce((sum, member) => sum + member.files.size, 0);
  console.log(`floors: ${files} files in ${members.length} packages, ${errors.length} broken imports`);
  if (errors.length > 0) process.exit(1);
}
