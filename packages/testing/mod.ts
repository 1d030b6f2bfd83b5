/**
 * What the tests share: op facts, comparison, fixtures and the leak check. Not published.
 *
 * @module
 */

export { Evaluator, type EvaluatorOptions } from "./src/evaluate.ts";
