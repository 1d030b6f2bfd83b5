/** Types of harness.mjs. */

export interface Options {
  readonly threads?: number;
  readonly [name: string]: unknown;
}
export declare const opts: Options;
export declare function fill(n: number, seed: number, scale?: number): Float32Array<ArrayBuffer>;
export declare function tokens(n: number, seed: number, vocab: number): Int32Array<ArrayBuffer>;
export declare function labels10(n: number): Int32Array<ArrayBuffer>;
export declare function meanAbs(values: ArrayLike<number | bigint | boolean>): number;
export declare function runPeer(
  peer: { name: string; kinds: object; skip?: Record<string, string> },
): Promise<void>;
