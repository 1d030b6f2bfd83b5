/**
 * Floor 0 of Flambeau: dtypes, shapes, errors, the table of primitives, their shape rules, graphs and programs, and
 * what a backend is. Runs nothing and depends on nothing.
 *
 * @module
 */

export * from "./src/backend.ts";
export * from "./src/dtype.ts";
export * from "./src/errors.ts";
export * from "./src/graph.ts";
export * from "./src/half.ts";
export * from "./src/infer.ts";
export * from "./src/philox.ts";
export * from "./src/primitives.ts";
export * from "./src/program.ts";
export * from "./src/shape.ts";
export * from "./src/views.ts";
