/**
 * Methods that give the text of a tensor, for people and for the inspectors of Deno and Node.
 *
 * @module
 */

import type { PrintOptions } from "../format.ts";
import * as ops from "../ops/text.ts";
import type { Tensor } from "../tensor.ts";
import { LinalgMethods } from "./linalg.ts";

/** `toString`, `repr`, and what `console.log` shows. */
export class TextMethods extends LinalgMethods {
  /** The text that PyTorch prints. See {@linkcode ops.toText}. */
  override toString(): string {
    return ops.toText(this as unknown as Tensor);
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
