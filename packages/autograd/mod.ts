/**
 * Floor 3 of Flambeau: reverse-mode differentiation. Importing it installs the tape: operations on tensors that require
 * grad are then recorded, and `backward()` works.
 *
 * @module
 */

export { grad, type GradOptions, runBackward } from "./src/engine.ts";
export { installAutograd } from "./src/install.ts";
