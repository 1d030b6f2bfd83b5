/**
 * Writes of bytes that do not fill their words.
 *
 * @module
 */

import { type Buffer, uint8 } from "@flambeau/core";
import type { Runner } from "./dispatch.ts";
import { Draft, mainOf } from "./draft.ts";
import { wgsl } from "./wgsl.ts";

/** Writes up to seven bytes at any place, and leaves their neighbours alone. */
export function patch(runner: Runner, buffer: Buffer, byteOffset: number, source: Uint8Array): void {
  const words = new Uint32Array(2);
  new Uint8Array(words.buffer).set(source);
  const target = { buffer, dtype: uint8, shape: [source.length], strides: [1], offset: byteOffset };
  const step = new Draft("write", { maxBindingBytes: 2 ** 31 })
    .u32("n", source.length).u32("bytes0", words[0]!).u32("bytes1", words[1]!)
    .bind("o", target, { as: "atomic", raw: true })
    .step("", [1, 1, 1], () =>
      mainOf(
        8,
        wgsl`
          if (lane >= P.n) { return; }
          put_o(lane, (select(P.bytes0, P.bytes1, lane > 3u) >> ((lane & 3u) * 8u)) & 0xffu);
        `,
      ));
  step!.run(runner);
}
