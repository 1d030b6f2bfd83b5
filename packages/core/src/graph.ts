/**
 * Graphs: what a computation does, as a list of primitives over named values, each assigned once.
 *
 * A graph is pure: no value is ever overwritten, so nodes may be shared, moved behind one another and left out.
 *
 * @module
 */

import type { Aval } from "./backend.ts";
import { DType } from "./dtype.ts";
import { ValueError } from "./errors.ts";
import { inferenceRules } from "./infer.ts";
import { binaryRules, unaryRules } from "./infer/pointwise.ts";
import type { Attrs, Bind, Inputs, Name } from "./primitives.ts";
import { formatType, type Shape } from "./shape.ts";

/** A value of a graph: an input, or one output of one node. It is known by identity and has no name of its own. */
export interface GraphValue extends Aval {
  /** What inputs are called in print, if anything. */
  readonly label: string | null;
}

/** One application of the primitive `P`. */
export interface GraphNode<P extends Name = Name> {
  /** The primitive. */
  readonly name: P;
  /** Its operands, made by earlier nodes or inputs of the graph. */
  readonly inputs: readonly GraphValue[];
  /** Its attributes. */
  readonly attrs: Attrs<P>;
  /** Its results: one for most primitives. */
  readonly outputs: readonly GraphValue[];
}

/** A computation from `inputs` to `outputs`. */
export interface Graph {
  /** Values given from outside, in the order of the caller. */
  readonly inputs: readonly GraphValue[];
  /** Nodes, each after those that make its inputs. */
  readonly nodes: readonly GraphNode[];
  /** Values handed back; inputs and repeats are allowed. */
  readonly outputs: readonly GraphValue[];
}

/**
 * Records primitives into a graph, checking each by its shape rule.
 *
 * @example
 * ```ts
 * const builder = new GraphBuilder();
 * const x = builder.input({ shape: [2, 3], dtype: float32 }, "x");
 * const graph = builder.finish([builder.bind("exp", [x], null)]);
 * ```
 */
export class GraphBuilder {
  readonly #inputs: GraphValue[] = [];
  readonly #nodes: GraphNode[] = [];
  readonly #known: Set<GraphValue> = new Set();

  /** Applies a primitive: adds a node and answers its outputs. Can be passed around without the builder. */
  readonly bind: Bind<GraphValue> =
    (<P extends Name>(name: P, inputs: Inputs<P, GraphValue>, attrs: Attrs<P>) =>
      this.#apply(name, inputs, attrs)) as Bind<GraphValue>;

  /** Adds an input, after those that are there. */
  input(type: Aval, label: string | null = null): GraphValue {
    const value = this.#value(type, label);
    this.#inputs.push(value);
    return value;
  }

  /**
   * The graph so far.
   *
   * @throws {ValueError} If an output was not made by this builder.
   */
  finish(outputs: readonly GraphValue[]): Graph {
    outputs.forEach((value) => this.#check("return", value));
    return { inputs: [...this.#inputs], nodes: [...this.#nodes], outputs: [...outputs] };
  }

  #apply<P extends Name>(name: P, inputs: Inputs<P, GraphValue>, attrs: Attrs<P>): unknown {
    const values = inputs as readonly GraphValue[];
    values.forEach((value) => this.#check(name, value));
    const types = inferAll(name, values, attrs);
    const outputs = types.map((type) => this.#value(type, null));
    this.#nodes.push({ name, inputs: [...values], attrs, outputs });
    return outputs.length > 1 ? outputs : outputs[0];
  }

  #value({ shape, dtype }: Aval, label: string | null): GraphValue {
    const value = { shape, dtype, label };
    this.#known.add(value);
    return value;
  }

  #check(op: string, value: GraphValue): void {
    if (!this.#known.has(value)) {
      throw new ValueError(
        `Cannot ${op} ${formatType(value)}: a value must come from the same graph, got one of another`,
      );
    }
  }
}

/**
 * Primitives that make each element of a result from the elements at the same place of their inputs, after broadcasting.
 * A result may therefore be written over an input of the same dtype and geometry that nobody else reads.
 */
export const pointwiseNames: ReadonlySet<Name> = new Set<Name>([
  ...Object.keys(unaryRules) as Name[],
  ...Object.keys(binaryRules) as Name[],
  "where",
  "gelu",
  "geluBackward",
  "silu",
  "reluBackward",
  "clamp",
  "addScaled",
  "sgdStep",
  "adamStep",
]);

/** What a primitive yields, always as a list. */
export function inferAll<P extends Name>(
  name: P,
  inputs: readonly Aval[],
  attrs: Attrs<P>,
): readonly Aval[] {
  const rule = inferenceRules[name] as (inputs: readonly Aval[], attrs: Attrs<P>) => Aval | readonly Aval[];
  const types = rule(inputs, attrs);
  return Array.isArray(types) ? types : [types as Aval];
}

/**
 * The same graph without the nodes whose results nobody reads. Inputs stay. All primitives are pure, random ones too:
 * what they yield depends on their key and counter only.
 */
export function removeDeadNodes(graph: Graph): Graph {
  const read = new Set<GraphValue>(graph.outputs);
  const kept: GraphNode[] = [];
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!;
    if (!node.outputs.some((value) => read.has(value))) continue;
    node.inputs.forEach((value) => read.add(value));
    kept.push(node);
  }
  return { ...graph, nodes: kept.reverse() };
}

/**
 * A graph as text, values numbered in order.
 *
 * ```text
 * graph (%0: float32[2, 3] "x", %1: float32[3]) {
 *   %2: float32[2, 3] = mul(%0, %1)
 *   %3: float32[2] = sum(%2, dims: [1], keepdim: false)
 *   return %3
 * }
 * ```
 */
export function formatGraph(graph: Graph): string {
  const numbers = new Map<GraphValue, number>();
  const define = (value: GraphValue): string => {
    numbers.set(value, numbers.size);
    return `%${numbers.size - 1}: ${formatType(value)}`;
  };
  const use = (value: GraphValue): string => `%${numbers.get(value)}`;
  const inputs = graph.inputs.map((value) =>
    define(value) + (value.label === null ? "" : ` ${JSON.stringify(value.label)}`)
  );
  const nodes = graph.nodes.map(({ name, inputs, attrs, outputs }) => {
    const operands = [...inputs.map(use), ...formatAttrs(attrs)].join(", ");
    return `  ${outputs.map(define).join(", ")} = ${name}(${operands})\n`;
  });
  return `graph (${inputs.join(", ")}) {\n${nodes.join("")}  return ${
    graph.outputs.map(use).join(", ")
  }\n}\n`;
}

/** What attributes are made of. */
export type AttrValue = number | bigint | boolean | string | null | DType | Shape;

/** Attributes by name. */
export type AttrRecord = Readonly<Record<string, AttrValue>>;

/** Attributes as words: `dim: 1`, `shape: [2, 3]`, `dtype: float32`, `value: 5n`. */
export function formatAttrs(attrs: Attrs<Name>): string[] {
  return Object.entries((attrs ?? {}) as AttrRecord).map(([key, value]) => `${key}: ${formatAttr(value)}`);
}

function formatAttr(value: AttrValue): string {
  if (value instanceof DType) return value.name;
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "string") return JSON.stringify(value);
  if (Object.is(value, -0)) return "-0";
  if (typeof value === "object" && value !== null) return `[${value.join(", ")}]`;
  return String(value);
}
