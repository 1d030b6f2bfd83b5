/**
 * Methods that give the text of a tensor, for people and for the inspectors of Deno and Node.
 *
 * @module
 */

import { ArgumentTypeError, formatType } from "@flambeau/core";
import type { PrintOptions } from "../format.ts";
import * as ops from "../ops/text.ts";
import type { Tensor } from "../tensor.ts";
import { LinalgMethods } from "./linalg.ts";

/** `toString`, `repr`, what `console.log` shows, and what JavaScript's operators meet. */
export class TextMethods extends LinalgMethods {
  /** The text that PyTorch prints. See {@linkcode ops.toText}. */
  override toString(): string {
    return ops.toText(this as unknown as Tensor);
  }
  /**
   * What JavaScript makes of a tensor between operators: its text for `+` and in templates, an error where it wants a
   * number, as in `x * 2` and `x > 0`. TypeScript refuses these; in plain JavaScript they would quietly be NaN and false.
   *
   * @throws {ArgumentTypeError} If a number is wanted.
   */
  [Symbol.toPrimitive](this: Tensor, hint: string): string {
    if (hint !== "number") return this.toString();
    throw new ArgumentTypeError(
      `Cannot use ${formatType(this)} as a number: operators are methods, such as x.mul(2) and x.gt(0), ` +
        "and await x.item() reads a number",
    );
  }
  /** See {@linkcode ops.repr}. */
  repr(this: Tensor, options?: PrintOptions): Promise<string> {
    return ops.repr(this, options);
  }
}

for (const inspector of ["Deno.customInspect", "nodejs.util.inspect.custom"]) {
  Object.defineProperty(TextMethods.prototype, Symbol.for(inspector), {
    value(this: Tensor): string {
      return this.toString();
    },
    enumerable: false,
    configurable: true,
    writable: true,
  });
}
