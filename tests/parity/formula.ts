/**
 * Evaluates the loss formulas of optimizer cases: `loss = mean((X @ w + b - Y) ** 2)`.
 *
 * Python's arithmetic on named tensors: `+ - * / @ **`, unary minus, parentheses, numbers, slices such as `x[1:]`,
 * and calls of the library's functions of one tensor.
 *
 * @module
 */

import type { Library } from "./library.ts";
import { camelCase, invoke, member } from "./names.ts";

const TOKEN = /\s*(\*\*|[-+*/@()[\]=,:]|\d+\.?\d*(?:e[-+]?\d+)?|[A-Za-z_]\w*)/gy;

/** Binary operators from the loosest to the tightest, with the function that stands for each. */
const LEVELS: readonly Readonly<Record<string, string>>[] = [
  { "+": "add", "-": "sub" },
  { "*": "mul", "/": "div", "@": "matmul" },
];

/** Splits a formula into tokens. */
function tokenize(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (text.slice(TOKEN.lastIndex).trim() !== "") {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw new Error(`Cannot read the formula ${text}: it has no meaning at ${at}`);
    tokens.push(match[1]!);
  }
  return tokens;
}

/**
 * The value of a formula.
 *
 * @param formula An expression, or `name = expression`.
 * @param variables The tensors by name.
 */
export function evaluate(
  library: Library,
  formula: string,
  variables: Readonly<Record<string, unknown>>,
): unknown {
  const tokens = tokenize(formula.replace(/^\s*\w+\s*=/, ""));
  let at = 0;
  const value = binary(0);
  if (at !== tokens.length) {
    throw new Error(`Cannot read the formula ${formula}: nothing may follow "${tokens[at - 1]}"`);
  }
  return value;

  function expect(token: string): void {
    if (tokens[at++] !== token) throw new Error(`Cannot read the formula ${formula}: "${token}" is missing`);
  }

  function binary(level: number): unknown {
    const operators = LEVELS[level];
    if (operators === undefined) return unary();
    let left = binary(level + 1);
    while (operators[tokens[at]!] !== undefined) {
      left = operate(operators[tokens[at++]!]!, left, binary(level + 1));
    }
    return left;
  }

  function unary(): unknown {
    if (tokens[at] !== "-") return power();
    at++;
    return operate("mul", unary(), -1);
  }

  function power(): unknown {
    const base = postfix();
    if (tokens[at] !== "**") return base;
    at++;
    return operate("pow", base, unary());
  }

  function postfix(): unknown {
    let value = primary();
    while (tokens[at] === "[") {
      at++;
      let text = "";
      while (tokens[at] !== "]" && at < tokens.length) text += tokens[at++];
      expect("]");
      value = invoke(value, "index", text);
    }
    return value;
  }

  function primary(): unknown {
    const token = tokens[at++];
    if (token === undefined) throw new Error(`Cannot read the formula ${formula}: it ends early`);
    if (token === "(") return closed();
    if (/^\d/.test(token)) return Number(token);
    if (tokens[at] !== "(") return variable(token);
    at++;
    const argument = closed();
    const isOfTorch = member(library.torch, camelCase(token)) !== undefined;
    return library.function(isOfTorch ? `torch.${token}` : `torch.nn.functional.${token}`)(argument);
  }

  function closed(): unknown {
    const value = binary(0);
    expect(")");
    return value;
  }

  function variable(name: string): unknown {
    if (!(name in variables)) throw new Error(`Cannot read the formula ${formula}: there is no ${name}`);
    return variables[name];
  }

  function operate(name: string, left: unknown, right: unknown): unknown {
    if (typeof left !== "number") return invoke(left, name, right);
    if (typeof right === "number") return ARITHMETIC[name]!(left, right);
    // A number to the left of a tensor: PyTorch has no function for it, Python's operators turn it round.
    if (name === "sub") return invoke(invoke(right, "neg"), "add", left);
    if (name === "div") return invoke(invoke(right, "reciprocal"), "mul", left);
    return invoke(right, name, left);
  }
}

const ARITHMETIC: Readonly<Record<string, (x: number, y: number) => number>> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  pow: (x, y) => x ** y,
};
