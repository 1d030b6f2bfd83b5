/**
 * What one core and its memory can do from WebAssembly: the limits that kernels are measured against.
 *
 * Two kinds: rates that are measured once, and bare loops ({@linkcode BareLoops}) that do what a kernel does over the
 * kernel's own buffers, without a library around them.
 *
 * @module
 */

import asc from "assemblyscript/asc";
import type { WasmBuild } from "@flambeau/kernels-wasm";

/** Rates that no kernel exceeds. */
export interface Limits {
  /** GFLOP/s of independent multiply-adds on registers. */
  readonly flops: number;
  /** GB/s of reading 64 MiB, by the fastest bare loop. */
  readonly read: number;
  /** The same for 4 MiB, which the last cache holds. */
  readonly readShared: number;
  /** GB/s of `memory.copy` of 32 MiB to another 32 MiB, read and written bytes together. */
  readonly copy: number;
  /** The same for 4 MiB to 4 MiB, which the last cache holds. */
  readonly shared: number;
  /** The same for 128 KiB to 128 KiB, which the second cache holds. */
  readonly cached: number;
  /** Least and median milliseconds of the fastest bare loops: a + b and max(a, 0) of so many float32. */
  readonly bare: Readonly<Record<"add 1 M" | "add 16 M" | "relu 1 M" | "relu 16 M", Times>>;
}

/** Least and median milliseconds. */
export type Times = readonly [least: number, median: number];

/** Operations that there are bare loops of: the sum of a, a + b → o, max(a, 0) → o. */
export type BareName = "read" | "add" | "relu";

/** A bare loop over float32 at addresses in bytes; `bytes` of each operand, a multiple of 512. */
export type BareLoop = (a: number, b: number, o: number, bytes: number) => void;

/** Bare loops by the form they have: all do the same, the fastest counts. */
export type BareLoops = Readonly<Record<BareName, Readonly<Record<string, BareLoop>>>>;

/** Least and median milliseconds of one call, over about `budget` ms, after some runs in which the engine optimizes it. */
export function time(call: () => void, budget = 200): [least: number, median: number] {
  return race([call], budget)[0]!;
}

/**
 * Least and median milliseconds of several calls, which take turns of some milliseconds, so that whatever else goes on in the
 * machine slows all of them; over about `budget` ms each, after some runs in which the engine optimizes them.
 */
export function race(calls: readonly (() => void)[], budget = 200): [least: number, median: number][] {
  for (const call of calls) {
    const warm = performance.now() + budget / 2;
    for (let i = 0; i < 3 || performance.now() < warm; i++) call();
  }
  const samples = calls.map((): number[] => []);
  const end = performance.now() + budget * calls.length;
  do {
    calls.forEach((call, i) => {
      const turn = performance.now() + (calls.length > 1 ? 2 : budget);
      do {
        const start = performance.now();
        call();
        samples[i]!.push(performance.now() - start);
      } while (performance.now() < turn);
    });
  } while (performance.now() < end);
  return samples.map((list) => {
    list.sort((a, b) => a - b);
    return [list[0]!, list[list.length >> 1]!];
  });
}

/** The fastest of a family of bare loops in a race: its form, its least time, and the least of the medians. */
export function fastest(forms: readonly string[], times: readonly Times[]): [form: string, times: Times] {
  const least = Math.min(...times.map(([least]) => least));
  const median = Math.min(...times.map(([, median]) => median));
  return [forms[times.findIndex((one) => one[0] === least)]!, [least, median]];
}

const names = Array.from({ length: 12 }, (_, i) => `c${i}`);
const sums = names.slice(0, 8);

/** The text of a loop that reads: `lines` of `streams` equal parts in each step. */
function readText(name: string, streams: number, lines: number): string {
  const loads = Array.from({ length: streams * lines * 4 }, (_, i) => {
    const [stream, at] = [Math.floor(i / (lines * 4)), i % (lines * 4)];
    return `${sums[i % 8]} = f32x4.add(${sums[i % 8]}, v128.load(a + ${stream} * part, ${at * 16}));`;
  });
  return `export function ${name}(a: usize, b: usize, o: usize, bytes: usize): f32 {
    ${sums.map((c) => `let ${c} = f32x4.splat(0);`).join("\n")}
    const part = bytes / ${streams};
    for (const end = a + part; a < end; a += ${64 * lines}) { ${loads.join("\n")} }
    return f32x4.extract_lane(${sums.reduce((x, y) => `f32x4.add(${x}, ${y})`)}, 0);
  }`;
}

/** How loops that write go through memory: what a step does to `o`, and the addresses of a and b. */
const STEPS: Readonly<
  Record<string, (line: (a: string, b: string, o: string, at: number) => string) => string>
> = {
  line: (line) => `
    for (const end = o + bytes; o < end; o += 64) { ${line("a", "b", "o", 0)} a += 64; b += 64; }`,
  two_lines: (line) => `
    for (const end = o + bytes; o < end; o += 128) {
      ${line("a", "b", "o", 0)} ${line("a", "b", "o", 64)} a += 128; b += 128;
    }`,
  one_address: (line) => `
    const toA = a - o; const toB = b - o;
    for (const end = o + bytes; o < end; o += 128) {
      const x = o + toA; const y = o + toB;
      ${line("x", "y", "o", 0)} ${line("x", "y", "o", 64)}
    }`,
  four_lines: (line) => `
    for (const end = o + bytes; o < end; o += 256) {
      ${[0, 64, 128, 192].map((at) => line("a", "b", "o", at)).join("\n")} a += 256; b += 256;
    }`,
  halves: (line) => `
    const half = bytes / 2;
    for (const end = o + half; o < end; o += 64) {
      ${line("a", "b", "o", 0)}
      const x = a + half; const y = b + half; const z = o + half;
      ${line("x", "y", "z", 0)} a += 64; b += 64;
    }`,
};

/** One line of a loop that writes. */
const LINES: Readonly<Record<"add" | "relu", (a: string, b: string, o: string, at: number) => string>> = {
  add: (a, b, o, at) =>
    [0, 16, 32, 48].map((i) =>
      `v128.store(${o}, f32x4.add(v128.load(${a}, ${at + i}), v128.load(${b}, ${at + i})), ${at + i});`
    ).join("\n"),
  relu: (a, _, o, at) =>
    [0, 16, 32, 48].map((i) =>
      `v128.store(${o}, f32x4.pmax(v128.load(${a}, ${at + i}), f32x4.splat(0)), ${at + i});`
    ).join("\n"),
};

const READS: Readonly<Record<string, readonly [streams: number, lines: number]>> = {
  one_line: [1, 1],
  two_lines: [1, 2],
  four_lines: [1, 4],
  two_streams: [2, 1],
  four_streams: [4, 1],
};

/** The text of all bare loops. */
function loopsText(): string {
  const writing = (["add", "relu"] as const).flatMap((name) =>
    Object.entries(STEPS).map(([form, steps]) =>
      `export function ${name}_${form}(a: usize, b: usize, o: usize, bytes: usize): void { ${
        steps(LINES[name])
      } }`
    )
  );
  return [...Object.entries(READS).map(([form, sizes]) => readText(`read_${form}`, ...sizes)), ...writing]
    .join("\n");
}

type Exports = Readonly<Record<string, (...args: number[]) => void>>;

/** Compiles AssemblyScript for a memory, which must be shared and may grow to 4 GiB, as a device's does. */
async function compile(text: string, memory: WebAssembly.Memory): Promise<Exports> {
  let binary: Uint8Array<ArrayBuffer> | null = null;
  const flags = ["--runtime", "stub", "--optimizeLevel", "2", "--enable", "simd", "--enable", "relaxed-simd"];
  const shared = ["--importMemory", "--sharedMemory", "--maximumMemory", "65536", "--enable", "threads"];
  await asc.main(["limits.ts", "-o", "limits.wasm", ...flags, ...shared], {
    readFile: (name) => name === "limits.ts" ? text : null,
    writeFile: (_, data) => {
      if (typeof data !== "string") binary = new Uint8Array(data);
    },
  });
  const module = new WebAssembly.Module(binary!);
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports;
}

/** The bare loops over a memory, which must be shared. */
export async function bareLoops(memory: WebAssembly.Memory): Promise<BareLoops> {
  return byForm(await compile(loopsText(), memory));
}

/** Functions `name_form` by name and form. */
function byForm(run: Exports): BareLoops {
  const loops: Record<BareName, Record<string, BareLoop>> = { read: {}, add: {}, relu: {} };
  for (const [key, loop] of Object.entries(run)) {
    const [, name, form] = /^(read|add|relu)_(.*)$/.exec(key) ?? [];
    if (name !== undefined) loops[name as BareName][form!.replaceAll("_", " ")] = loop;
  }
  return loops;
}

/** Measures the limits for a build: `relaxed` may fuse its multiply-adds. */
export async function measureLimits(build: WasmBuild): Promise<Limits> {
  const step = (c: string): string =>
    build === "relaxed" ? `f32x4.relaxed_madd(${c}, x, y)` : `f32x4.add(f32x4.mul(${c}, x), y)`;
  const text = `
  export function spin(n: i32, p: usize): void {
    const x = v128.load(p); const y = v128.load(p, 16);
    ${names.map((c, i) => `let ${c} = f32x4.splat(${i});`).join("\n")}
    for (; n > 0; n--) { ${names.map((c) => `${c} = ${step(c)};`).join("\n")} }
    ${names.map((c, i) => `v128.store(p, ${c}, ${i * 16});`).join("\n")}
  }
  export function copy(to: usize, from: usize, bytes: usize): void { memory.copy(to, from, bytes); }
  export function touch(p: usize, bytes: usize): void { memory.fill(p, 1, bytes); }`;
  const M = 2 ** 20;
  const base = 65536;
  const memory = new WebAssembly.Memory({ initial: 3 * 1024 + 1, maximum: 65536, shared: true });
  const run = await compile(text + loopsText(), memory) as Record<"spin" | "copy" | "touch", Exports[string]>;
  const loops = byForm(run);
  run.touch(base, 3 * 64 * M);
  const spins = 300_000;
  const rate = (bytes: number, call: () => void): number => bytes / time(call, 400)[0] / 1e6;
  const bare = (name: BareName, elements: number): Times => {
    const forms = Object.keys(loops[name]);
    const bytes = 4 * elements;
    const calls = forms.map((form) => () =>
      loops[name][form]!(base, base + bytes, base + (name === "relu" ? 1 : 2) * bytes, bytes)
    );
    return fastest(forms, race(calls, 100))[1];
  };
  return {
    // The engine's compiler is busy with the AssemblyScript compiler for a while.
    flops: spins * 12 * 8 / time(() => run.spin(spins, 4096), 3000)[0] / 1e6,
    read: 64 * M / bare("read", 16 * M)[0] / 1e6,
    readShared: 4 * M / bare("read", M)[0] / 1e6,
    copy: rate(64 * M, () => run.copy(base + 32 * M, base, 32 * M)),
    shared: rate(2 ** 26, () => {
      for (let i = 0; i < 8; i++) run.copy(base + 2 ** 22, base, 2 ** 22);
    }),
    cached: rate(64 * 2 ** 18, () => {
      for (let i = 0; i < 64; i++) run.copy(base + 2 ** 17, base, 2 ** 17);
    }),
    bare: {
      "add 1 M": bare("add", M),
      "add 16 M": bare("add", 16 * M),
      "relu 1 M": bare("relu", M),
      "relu 16 M": bare("relu", 16 * M),
    },
  };
}
