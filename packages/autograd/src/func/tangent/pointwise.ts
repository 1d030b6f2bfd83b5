/**
 * Forward-mode rules of pointwise primitives: total over their derivative rows.
 *
 * @module
 */

import type { BinaryPrimitives, Name, UnaryPrimitives } from "@flambeau/core";
import { binaryDerivatives, unaryDerivatives } from "../../derivatives/pointwise.ts";
import { div, mul, neg, sub } from "../../math.ts";
import { diagonal, sumOf, type TangentRulesOf } from "./rule.ts";

function rules<Table extends object>(rows: Table): { readonly [P in keyof Table & Name]: never } {
  return Object.fromEntries(
    Object.entries(rows).map(([name, row]) => [name, row === null ? null : diagonal(name as Name)]),
  ) as unknown as { readonly [P in keyof Table & Name]: never };
}

/** Rules of the pointwise primitives of one input. */
export const unaryTangents: TangentRulesOf<UnaryPrimitives<unknown>> = rules(unaryDerivatives);

/** Rules of the pointwise primitives of two inputs. Those of the commonest are written out: half the steps. */
export const binaryTangents: TangentRulesOf<BinaryPrimitives<unknown>> = {
  ...rules(binaryDerivatives) as TangentRulesOf<BinaryPrimitives<unknown>>,
  add: ({ tangents: [tx, ty] }) => sumOf(tx!, ty!),
  sub: ({ tangents: [tx, ty] }) => tx && ty ? sub(tx, ty) : tx ?? neg(ty!),
  mul: ({ inputs: [x, y], tangents: [tx, ty] }) => sumOf(tx ? mul(tx, y) : null, ty ? mul(x, ty) : null),
  div: ({ inputs: [, y], output, tangents: [tx, ty] }) => {
    const slope = ty ? neg(mul(output, ty)) : null;
    return div(sumOf(tx!, slope)!, y);
  },
};
