/**
 * The text of the micro-kernels of products, `assembly/generated/tiles.ts`: each computes one tile of C from a panel of A
 * and a panel of B, unrolled, with an accumulator for every vector of the tile.
 *
 * Accumulators are named locals, because V8 keeps 15 vectors in registers and spills arrays. Where memory has no guard
 * pages, V8 compares every address with the size of memory: a load takes 3 of the 8 slots of a cycle, one that spreads an
 * element 4, and a shuffle takes a place of a product. Which tile is best, and which elements of A come as lanes of a
 * vector, was measured: 6 × 8 reaches 95 % of what fused multiply-add can do.
 *
 * @module
 */

/** A micro-kernel. Its rows are two vectors wide. */
interface Tile {
  /** After `micro_` and `first_`. */
  readonly name: string;
  /** What it is, for its comment. */
  readonly title: string;
  /** Rows of A and C. */
  readonly rows: number;
  /** Steps of k at a time. */
  readonly steps: number;
  /** The element type; `f32` by default. */
  readonly type?: "f32" | "f64";
  /** `accumulator + x * b`. */
  readonly product: (x: string, b: string, accumulator: string) => string;
  /** Whether an element of A comes as a lane of a vector, and not by a load that spreads it: by vector of A, and lane. */
  readonly fromLane?: (vector: number, lane: number) => boolean;
}

const product: Tile["product"] = (x, b, c) => `mad(${x}, ${b}, ${c})`;

/**
 * `*_rolled` do one step of k at a time: engines before fused multiply-add move the loads of several steps to their
 * beginning and spill.
 */
const TILES: readonly Tile[] = [
  { name: "6x8", title: "6 × 8", rows: 6, steps: 4, product },
  { name: "5x8", title: "5 × 8", rows: 5, steps: 4, product },
  { name: "4x8", title: "4 × 8", rows: 4, steps: 4, product },
  {
    ...{ name: "5x8_rolled", title: "5 × 8, one step at a time", rows: 5, steps: 1, product },
    fromLane: (vector) => vector === 0,
  },
  {
    ...{ name: "4x8_rolled", title: "4 × 8, one step at a time", rows: 4, steps: 1, product },
    fromLane: (vector) => vector === 0,
  },
];
const TILE_F64: Tile = {
  ...{ name: "4x4_f64", title: "4 × 4 of float64", rows: 4, steps: 2, type: "f64" },
  product: (x, b, c) => `madD(${x}, ${b}, ${c})`,
};

/** The lines of the body of a kernel; `packs` if it reads B where it is and leaves a panel of it behind. */
function bodyOf(
  { rows, steps, type = "f32", product, fromLane = () => false }: Tile,
  packs: boolean,
): string[] {
  const [vector, bytes, put] = type === "f32" ? ["f32x4", 4, "put"] : ["f64x2", 8, "putD"];
  const lanes = 16 / bytes;
  const declared = new Set<string>();
  const set = (name: string, value: string): string => {
    const word = declared.has(name) ? "" : "let ";
    declared.add(name);
    return `${word}${name} = ${value};`;
  };
  const both = Array.from({ length: rows }, (_, row) => [`c${row}0`, `c${row}1`] as const);

  const loop: string[] = [];
  let loaded = -1; // the vector of A whose lanes are at hand
  for (let step = 0; step < steps; step++) {
    const at = 32 * step;
    if (packs) {
      loop.push(set("b0", "v128.load(b)"), set("b1", "v128.load(b, 16)"));
      loop.push(`v128.store(o, b0, ${at});`, `v128.store(o, b1, ${at + 16});`);
    } else loop.push(set("b0", `v128.load(b, ${at})`), set("b1", `v128.load(b, ${at + 16})`));
    both.forEach(([left, right], row) => {
      const element = step * rows + row;
      const [from, lane] = [Math.floor(element / lanes), element % lanes];
      if (fromLane(from, lane)) {
        if (loaded !== from) loop.push(set("v", `v128.load(a, ${16 * from})`));
        loaded = from;
        loop.push(set("x", `i32x4.shuffle(v, v, ${[lane, lane, lane, lane].join(", ")})`));
      } else loop.push(set("x", `v128.load${8 * bytes}_splat(a, ${bytes * element})`));
      loop.push(`${left} = ${product("x", "b0", left)};`, `${right} = ${product("x", "b1", right)};`);
    });
    if (packs) loop.push("b += rsb;");
  }
  loop.push(`a += ${bytes * rows * steps};`, packs ? `o += ${32 * steps};` : `b += ${32 * steps};`);

  return [
    ...both.flat().map((name) => `let ${name} = ${vector}.splat(0);`),
    `for (; k > 0; k -= ${steps}) {`,
    ...loop.map((line) => `  ${line}`),
    "}",
    ...both.flatMap((
      [left, right],
      row,
    ) => [...(row === 0 ? [] : ["c += ldc;", "d += ldd;"]), `${put}(c, ${left}, ${right}, d);`]),
  ];
}

function kernel(tile: Tile, packs: boolean): string[] {
  const sizes = "c: usize, ldc: usize, k: i32, d: usize, ldd: usize";
  const head = packs
    ? `first_${tile.name}(a: usize, b: usize, rsb: usize, o: usize, ${sizes})`
    : `micro_${tile.name}(a: usize, b: usize, ${sizes})`;
  return [
    packs ? "/** The same that packs B. */" : `/** A tile of ${tile.title}. */`,
    `export function ${head}: void {`,
    ...bodyOf(tile, packs).map((line) => `  ${line}`),
    "}",
    "",
  ];
}

/** The text of `assembly/generated/tiles.ts`. */
export function tilesText(): string {
  return [
    "/** Generated by build_tiles.ts: the micro-kernels of products. */",
    "",
    'import { mad, madD } from "../fused";',
    'import { put, putD } from "../gemm_micro";',
    "",
    ...TILES.flatMap((tile) => [...kernel(tile, false), ...kernel(tile, true)]),
    ...kernel(TILE_F64, false),
  ].join("\n");
}
