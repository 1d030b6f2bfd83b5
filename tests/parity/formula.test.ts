import { expect, test } from "vitest";
import { evaluate } from "./formula.ts";
import { Library } from "./library.ts";

/** Writes down the calls instead of making them. */
class Term {
  constructor(readonly text: string) {}
}
const call = (name: string) => (...args: unknown[]) =>
  new Term(`${name}(${args.map((x) => x instanceof Term ? x.text : x).join(", ")})`);
for (const name of ["add", "sub", "mul", "div", "pow", "matmul", "neg", "reciprocal", "index"]) {
  (Term.prototype as unknown as Record<string, unknown>)[name] = function (
    this: Term,
    ...args: unknown[]
  ): Term {
    return call(name)(this, ...args);
  };
}
const library = new Library({
  mean: call("mean"),
  logSigmoid: call("logSigmoid"),
  nn: { functional: { softplus: call("softplus") } },
});
const text = (formula: string) =>
  (evaluate(library, formula, { X: new Term("X"), w: new Term("w"), b: new Term("b") }) as Term).text;

test.each([
  ["loss = mean((X @ w + b) ** 2)", "mean(pow(add(matmul(X, w), b), 2))"],
  ["softplus(-X)", "softplus(mul(X, -1))"],
  ["-(2 * X - 1) * w", "mul(mul(sub(mul(X, 2), 1), -1), w)"],
  ["1 - X[:-1] ** 2", "add(neg(pow(index(X, :-1), 2)), 1)"],
  ["2 / X", "mul(reciprocal(X), 2)"],
  ["X - w - b", "sub(sub(X, w), b)"],
  ["X ** -1", "pow(X, -1)"],
  ["X * (0.01 + 2 * 3)", "mul(X, 6.01)"],
  ["log_sigmoid(X)", "logSigmoid(X)"],
])("evaluate: %s", (formula, want) => expect(text(formula)).toBe(want));

test.each([["(X", '")" is missing'], ["Y", "there is no Y"], ["X $ w", "no meaning"], [
  "X w",
  "nothing may follow",
]])(
  "evaluate: refuses %s",
  (formula, message) => expect(() => text(formula)).toThrow(message),
);
