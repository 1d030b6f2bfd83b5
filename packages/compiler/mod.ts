/**
 * Turns a graph into a program: decomposition and the memory plan; and makes programs ready on a backend.
 *
 * @module
 */

export { acceptedBy } from "./src/accepts.ts";
export { type Decomposition, type Decompositions, decompositions } from "./src/decompose.ts";
export { type Executable, loadProgram } from "./src/executable.ts";
export { type Accepts, lower } from "./src/lower.ts";
