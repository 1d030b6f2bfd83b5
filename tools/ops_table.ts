/**
 * Writes `docs/ops.md`: every primitive with its dtypes, where it runs on each device, and its gradients, from the tables
 * of the library and the facts of the tests.
 *
 * Run: `deno task ops`; with `--check` it writes nothing and fails when the page is out of date.
 *
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decompositions } from "@flambeau/compiler";
import {
  type Backend,
  contiguousStrides,
  type DType,
  dtypes,
  inferAll,
  inputDTypes,
  type KernelName,
  type Name,
  numelOf,
  type Operand,
  viewNames,
} from "@flambeau/core";
import { createWasmBackend } from "@flambeau/kernels-wasm";
import { createReferenceBackend, hostKernels } from "@flambeau/reference";
import { type HostTensor, Make, type OpInfo, opInfos } from "@flambeau/testing";
import { fusedDerivatives } from "../packages/autograd/src/derivatives/fused.ts";

/** What the table of primitives in core says of one row. */
export interface PrimitiveRow {
  /** Name of the primitive. */
  readonly name: Name;
  /** First sentence of its documentation. */
  readonly says: string;
  /** Names of its inputs. */
  readonly inputs: readonly string[];
}

/** A family of primitives: an interface of core. */
export interface Family {
  /** First sentence of its documentation. */
  readonly says: string;
  /** Its rows, in order. */
  readonly rows: readonly PrimitiveRow[];
}

/** Reads the families out of the source of core's `primitives.ts`. */
export function readFamilies(source: string): Family[] {
  const families: { says: string; rows: PrimitiveRow[] }[] = [];
  let comment = "";
  const lines = source.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (/^\s*\/\*\*/.test(line)) {
      const start = i;
      while (!lines[i]!.includes("*/")) i++;
      const text = lines.slice(start, i + 1).map((l) =>
        l.replace(/^\s*(\/\*\*|\*\/|\*)?\s?|\s*\*\/\s*$/g, "").trim()
      );
      comment = text.join(" ").trim().split(/\.(?:\s|$)/)[0]!;
    } else if (/^export interface \w+Primitives<T> \{/.test(line)) {
      families.push({ says: comment, rows: [] });
    } else if (/^export interface|^}/.test(line)) {
      comment = "";
    } else {
      const [, name] = /^ {2}(\w+): \[/.exec(line) ?? [];
      if (name === undefined || families.length === 0) continue;
      if (!(name in opInfos)) {
        throw new Error(`Cannot tell of ${name}: every primitive must have facts, got none`);
      }
      const rest = lines.slice(i).join(" ");
      const list = /inputs: (?:\[([^\]]*)\](?: \| \[([^\]]*)\])?|T\[\])/.exec(rest)!;
      const inputs = [...(list[2] ?? list[1] ?? "inputs: T").matchAll(/(\w+): T/g)].map((match) => match[1]!);
      families[families.length - 1]!.rows.push({ name: name as Name, says: comment, inputs });
    }
  }
  return families.filter(({ rows }) => rows.length > 0);
}

/** Where a primitive runs in one dtype: own kernel for all samples, for some, or for none. */
type Place = "own" | "partly" | "elsewhere";

/** A device of the table. */
interface Device {
  readonly name: string;
  /** What runs where a core primitive has no kernel of the device's own. */
  readonly fallback: string;
  /** True when the kernel of `name` for these operands is the device's own. */
  readonly owns: (
    name: KernelName,
    inputs: readonly Operand[],
    outputs: readonly Operand[],
    attrs: unknown,
  ) => boolean;
  readonly backend: Backend;
}

type AnyKernel = (
  inputs: readonly Operand[],
  outputs: Operand | readonly Operand[],
  attrs: unknown,
) => unknown;

function ask(
  backend: Backend,
  name: KernelName,
  inputs: readonly Operand[],
  outputs: readonly Operand[],
  attrs: unknown,
) {
  const kernel = backend.kernels[name] as AnyKernel | undefined;
  return kernel?.(inputs, outputs.length > 1 ? outputs : outputs[0]!, attrs) ?? null;
}

/** The CPU device, with an eye on whether it turns to the host. */
function cpu(): Device {
  let turned = false;
  const backend = createWasmBackend({
    fallback: (viewOf) => {
      const table = hostKernels(viewOf) as unknown as Record<string, AnyKernel>;
      const watched = Object.entries(table).map((
        [name, kernel],
      ) => [name, (...call: Parameters<AnyKernel>) => {
        turned = true;
        return kernel(...call);
      }]);
      return Object.fromEntries(watched) as ReturnType<typeof hostKernels>;
    },
  }) as Backend;
  const owns: Device["owns"] = (...call) => {
    turned = false;
    return ask(backend, ...call) !== null && !turned;
  };
  return { name: "cpu", fallback: "host", owns, backend };
}

function reference(): Device {
  const backend = createReferenceBackend() as Backend;
  return { name: "reference", fallback: "none", owns: (...call) => ask(backend, ...call) !== null, backend };
}

/** Tells, by the samples of the facts, where `name` runs on `device` in `dtype`. Nothing runs. */
function placeOf({ backend, owns }: Device, name: KernelName, dtype: DType): Place {
  const info = opInfos[name] as unknown as OpInfo<"exp">;
  let [own, all] = [0, 0];
  for (const { inputs, attrs } of info.samples(new Make(dtype, name))) {
    const hosts = inputs as readonly HostTensor[];
    const outputs = inferAll(name, hosts, attrs);
    if (outputs.some(({ shape }) => numelOf(shape) === 0)) continue; // these never reach a kernel
    const operands = [...hosts, ...outputs].map(({ shape, dtype }): Operand => ({
      shape,
      dtype,
      strides: contiguousStrides(shape),
      offset: 0,
      buffer: backend.allocate(numelOf(shape) * dtype.itemsize),
    }));
    if (owns(name, operands.slice(0, hosts.length), operands.slice(hosts.length), attrs)) own++;
    all++;
    for (const { buffer } of operands) backend.free(buffer);
  }
  return own === 0 ? "elsewhere" : own === all ? "own" : "partly";
}

/** Dtypes in a few words: `any`, `integers, float32`. */
export function dtypeWords(list: readonly DType[]): string {
  const rest = new Set(list);
  if (rest.size === dtypes.length) return "any";
  const words: string[] = [];
  for (const [kind, word] of [["int", "integers"], ["float", "floats"]] as const) {
    const all = dtypes.filter((dtype) => dtype.kind === kind);
    if (!all.every((dtype) => rest.has(dtype))) continue;
    words.push(word);
    for (const dtype of all) rest.delete(dtype);
  }
  return [...dtypes.filter((dtype) => rest.has(dtype)).map(({ name }) => name), ...words].join(", ");
}

/** Where a primitive runs on a device, in words. */
function placesOf(device: Device, name: Name): string {
  if (viewNames.has(name as never)) return "no kernel";
  const otherwise = name in decompositions ? "decomposition" : device.fallback;
  const byPlace = new Map<Place, DType[]>([["own", []], ["partly", []], ["elsewhere", []]]);
  const list = inputDTypes[name].dtypes.filter((dtype) => device.backend.dtypes.has(dtype));
  for (const dtype of list) byPlace.get(placeOf(device, name as KernelName, dtype))!.push(dtype);
  const cells: string[] = [];
  for (const [place, label] of [["own", "own"], ["partly", "own in part"]] as const) {
    const found = byPlace.get(place)!;
    if (found.length > 0) cells.push(found.length === list.length ? label : `${label}: ${dtypeWords(found)}`);
  }
  if (byPlace.get("elsewhere")!.length > 0) cells.push(cells.length === 0 ? otherwise : `else ${otherwise}`);
  return cells.join("; ");
}

/** The inputs that have gradients, by name, and whose rule it is. */
function gradientOf({ name, inputs }: PrimitiveRow): string {
  const moved = opInfos[name].differentiable.filter((i) => i < inputs.length).map((i) => inputs[i]!);
  if (moved.length === 0) return "no";
  return `${moved.join(", ")}${
    name in decompositions && !(name in fusedDerivatives) ? " (decomposition)" : ""
  }`;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, c) => Math.max(3, ...rows.map((row) => [...row[c]!].length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, c) => cell + " ".repeat(widths[c]! - [...cell].length)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(rows[0]!), rule, ...rows.slice(1).map(line)].join("\n");
}

const cell = (text: string): string => text.replaceAll("|", "\\|");

/** The page. */
export function opsPage(families: readonly Family[]): string {
  const devices = [cpu(), reference()];
  const sections = families.map(({ says, rows }) => {
    const header = [
      "primitive",
      "what",
      "dtypes",
      ...devices.map(({ name }) => name),
      "gradient",
      "second gradient",
    ];
    const body = rows.map((row) => [
      `\`${row.name}\``,
      cell(row.says),
      dtypeWords(inputDTypes[row.name].dtypes),
      ...devices.map((device) => placesOf(device, row.name)),
      gradientOf(row),
      opInfos[row.name].differentiable.length > 0 ? "yes" : "no",
    ]);
    return `## ${says}\n\n${table([header, ...body])}\n`;
  });
  return `# Primitives

Everything that Flambeau computes is made of these primitives. \`deno task ops\` writes this page from the
tables of the library and the facts of its tests; do not edit it.

- **dtypes**: what the value inputs may be, or the result where there are no inputs.
- **cpu**, **reference**: where the primitive runs. \`own\` is a kernel of the device; \`own in part\` takes some
  calls of the samples and leaves the others; \`host\` is plain TypeScript over the memory of the device;
  \`decomposition\` is a composition of other primitives; a view has \`no kernel\`, it only looks at memory in
  another way.
- **gradient**: the inputs that have one. \`(decomposition)\` marks fused primitives that take the gradient of
  their decomposition. Gradients and second gradients are checked against finite differences on every device.

${sections.join("\n")}`;
}

if (import.meta.main) {
  const root = join(import.meta.dirname!, "..");
  const path = join(root, "docs", "ops.md");
  const families = readFamilies(readFileSync(join(root, "packages/core/src/primitives.ts"), "utf8"));
  const page = opsPage(families);
  if (process.argv.includes("--check")) {
    let held = "";
    try {
      held = readFileSync(path, "utf8");
    } catch {
      // A missing page is out of date, too.
    }
    if (held !== page) {
      console.error("docs/ops.md is out of date: run deno task ops");
      process.exit(1);
    }
    console.log(`docs/ops.md is up to date`);
  } else {
    writeFileSync(path, page);
    console.log(`docs/ops.md: ${families.reduce((sum, { rows }) => sum + rows.length, 0)} primitives`);
  }
}
