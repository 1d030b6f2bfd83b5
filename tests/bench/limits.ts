/**
 * What one core and its memory can do from WebAssembly: the limits that kernels are measured against.
 *
 * @module
 */

import asc from "assemblyscript/asc";
import type { WasmBuild } from "@flambeau/kernels-wasm";

/** Rates that no kernel exceeds. */
export interface Limits {
  /** GFLOP/s of independent multiply-adds on registers. */
  readonly flops: number;
  /** GB/s of reading 64 MiB, as one stream or as four, whichever is faster. */
  readonly read: number;
  /** GB/s of `memory.copy` of 32 MiB to another 32 MiB, read and written bytes together. */
  readonly copy: number;
  /** The same for 4 MiB to 4 MiB, which the last cache holds. */
  readonly shared: number;
  /** The same for 128 KiB to 128 KiB, which the second cache holds. */
  readonly cached: number;
}

/** Least and median milliseconds of one call, over about `budget` ms, after some runs in which the engine optimizes it. */
export function time(call: () => void, budget = 200): [least: number, median: number] {
  const warm = performance.now() + budget / 2;
  for (let i = 0; i < 3 || performance.now() < warm; i++) call();
  const samples: number[] = [];
  const end = performance.now() + budget;
  do {
    const start = performance.now();
    call();
    samples.push(performance.now() - start);
  } while (performance.now() < end);
  samples.sort((a, b) => a - b);
  return [samples[0]!, samples[samples.length >> 1]!];
}

/** Measures the limits for a build: `relaxed` may fuse its multiply-adds. */
export async function measureLimits(build: WasmBuild): Promise<Limits> {
  const names = Array.from({ length: 12 }, (_, i) => `c${i}`);
  const step = (c: string): string =>
    build === "relaxed" ? `f32x4.relaxed_madd(${c}, x, y)` : `f32x4.add(f32x4.mul(${c}, x), y)`;
  const text = `
  export function spin(n: i32, p: usize): void {
    const x = v128.load(p); const y = v128.load(p, 16);
    ${names.map((c, i) => `let ${c} = f32x4.splat(${i});`).join("\n")}
    for (; n > 0; n--) { ${names.map((c) => `${c} = ${step(c)};`).join("\n")} }
    ${names.map((c, i) => `v128.store(p, ${c}, ${i * 16});`).join("\n")}
  }
  export function read(p: usize, bytes: usize): f32 {
    ${names.slice(0, 8).map((c) => `let ${c} = f32x4.splat(0);`).join("\n")}
    for (const end = p + bytes; p < end; p += 128) {
      ${names.slice(0, 8).map((c, i) => `${c} = f32x4.add(${c}, v128.load(p, ${i * 16}));`).join("\n")}
    }
    return f32x4.extract_lane(${names.slice(0, 8).reduce((a, b) => `f32x4.add(${a}, ${b})`)}, 0);
  }
  export function read4(p: usize, bytes: usize): f32 {
    ${names.slice(0, 8).map((c) => `let ${c} = f32x4.splat(0);`).join("\n")}
    const part = bytes / 4;
    for (const end = p + part; p < end; p += 64) {
      ${
    [0, 1, 2, 3].flatMap((stream) =>
      [0, 1, 2, 3].map((i) => {
        const c = names[(4 * stream + i) % 8];
        return `${c} = f32x4.add(${c}, v128.load(p + ${stream} * part, ${i * 16}));`;
      })
    ).join("\n")
  }
    }
    return f32x4.extract_lane(${names.slice(0, 8).reduce((a, b) => `f32x4.add(${a}, ${b})`)}, 0);
  }
  export function copy(to: usize, from: usize, bytes: usize): void { memory.copy(to, from, bytes); }
  export function touch(p: usize, bytes: usize): void { memory.fill(p, 1, bytes); }`;
  let binary: Uint8Array<ArrayBuffer> | null = null;
  const flags = ["--runtime", "stub", "--optimizeLevel", "2", "--initialMemory", "1100"];
  await asc.main(
    ["limits.ts", "-o", "limits.wasm", ...flags, "--enable", "simd", "--enable", "relaxed-simd"],
    {
      readFile: (name) => name === "limits.ts" ? text : null,
      writeFile: (_, data) => {
        if (typeof data !== "string") binary = new Uint8Array(data);
      },
    },
  );
  const run = new WebAssembly.Instance(new WebAssembly.Module(binary!)).exports as Record<
    "spin" | "read" | "read4" | "copy" | "touch",
    (...args: number[]) => void
  >;
  const [base, size] = [65536, 64 * 2 ** 20];
  run.touch(base, size);
  const loops = 300_000;
  const rate = (bytes: number, call: () => void): number => bytes / time(call, 400)[0] / 1e6;
  return {
    // The engine's compiler is busy with the AssemblyScript compiler for a while.
    flops: loops * 12 * 8 / time(() => run.spin(loops, 4096), 3000)[0] / 1e6,
    read: Math.max(rate(size, () => run.read(base, size)), rate(size, () => run.read4(base, size))),
    copy: rate(size, () => run.copy(base + size / 2, base, size / 2)),
    shared: rate(2 ** 26, () => {
      for (let i = 0; i < 8; i++) run.copy(base + 2 ** 22, base, 2 ** 22);
    }),
    cached: rate(64 * 2 ** 18, () => {
      for (let i = 0; i < 64; i++) run.copy(base + 2 ** 17, base, 2 ** 17);
    }),
  };
}
