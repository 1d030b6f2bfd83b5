/**
 * How fused kernels write their results: each invocation makes as many neighbours as the narrowest dtype has in a word.
 *
 * @module
 */

import type { FusedOutput } from "@flambeau/core";
import type { Draft } from "../draft.ts";
import { encode, perWord, type Storage, storageOf } from "../element.ts";
import type { Loops } from "../geometry.ts";
import { wgsl } from "../wgsl.ts";

/** A result in the making. */
interface Written {
  readonly name: string;
  readonly output: FusedOutput;
  readonly storage: Storage;
  /** Elements that are put together before they are written; 1 where each is written alone. */
  readonly together: number;
}

/** The results of a fused kernel. */
export class Outputs {
  /** Their names in the text. */
  readonly names: readonly string[];
  /** Neighbours that an invocation makes. */
  readonly span: number;
  readonly #list: readonly Written[];

  /**
   * Looks at where the results lie.
   *
   * @param steps For each result its steps in the loops, neighbours melted.
   * @param words False where no invocation makes neighbours.
   */
  constructor(outputs: readonly FusedOutput[], steps: Loops["steps"], words: boolean) {
    this.#list = outputs.map((output, i): Written => {
      const storage = storageOf(output.target.dtype, false);
      const per = perWord(storage);
      const dense = words && (steps[i]!.length === 0 || steps[i]!.length === 1 && steps[i]![0] === 1);
      const together = dense && output.target.offset % per === 0 ? per : 1;
      return { name: `o${i}`, output, storage, together };
    });
    this.names = this.#list.map(({ name }) => name);
    this.span = this.#list.reduce((most, { together }) => Math.max(most, together), 1);
  }

  /** Part of the key. */
  get key(): string {
    return this.#list.map(({ output, together }) => `${output.value}x${together}`).join();
  }

  /** Adds the operands. */
  bind(draft: Draft): void {
    for (const { name, output, storage, together } of this.#list) {
      const as = perWord(storage) > 1 && together === 1 ? "atomic" : "write";
      draft.bind(name, output.target, { as });
    }
  }

  /** Text before the loop over neighbours. */
  get setup(): string[] {
    return this.#list.filter(({ together }) => together > 1).map(({ name }) => `var w_${name} = 0u;`);
  }

  /** Text that writes element `i` of `P.n`, at the places `p_<name>`, from the values `<prefix>v<number>`. */
  text(prefix: string): string[] {
    return this.#list.map(({ name, output, storage, together }) => {
      const value = `${prefix}v${output.value}`;
      if (together === 1) return `put_${name}(p_${name}, ${value});`;
      const bits = 32 / together;
      return wgsl`
        let at_${name} = i % ${together}u;
        w_${name} |= ${encode(storage, value)} << (at_${name} * ${bits}u);
        if (at_${name} == ${together - 1}u || i == P.n - 1u) {
          let keep = select(0xffffffffu << ((at_${name} + 1u) * ${bits}u % 32u), 0u, at_${name} == ${
        together - 1
      }u);
          put_word_${name}(i / ${together}u, w_${name}, keep);
          w_${name} = 0u;
        }`;
    });
  }
}
