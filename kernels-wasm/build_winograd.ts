/**
 * The text of the transforms of Winograd's method, `assembly/generated/winograd_tiles.ts`, from its matrices.
 *
 * Tiles of four places, or of four channels, lie in the lanes of vectors. There are six transforms, each with a matrix of
 * `winograd_matrices.ts` or its transpose:
 *
 * - `inputTile` image → products, and `backTile` their gradients → that of the image;
 * - `weightTile` weights → products, and `kernelTile` their gradients → those of the weights;
 * - `outputTile` sums of products → outputs, and `gradTile` the gradients of these → those of the sums.
 *
 * A transform has two passes: over the lines of a tile, into memory between the two, and over the columns there. A pass is a
 * source of vectors, what becomes of them, and a sink. Rows of points ±p share sums: e + c f and e − c f are the two values,
 * where e is the even and c f the odd part; the transpose begins with the sum and the difference of what belongs to them.
 *
 * What is known of engines and not of mathematics: numbers are loaded, once for a tile, because constants of code would be made
 * anew wherever they are used; vectors are loaded where they are needed first, so that 16 registers are enough; and of
 * vectors whose distance is not known, the address of one is made from that of the one before.
 *
 * @module
 */

import { AXES, type Matrix, OUTPUTS, WEIGHTS } from "./winograd_matrices.ts";

/** A number times a vector. */
type Term = readonly [c: number, x: string];

/** Lines, and what elements of the result are after them. */
interface Step {
  readonly lines: readonly string[];
  readonly values: readonly (readonly [element: number, value: string])[];
}

/** What `assembly/winograd_layout.ts` has room for: numbers, and vectors of weights and between passes. */
const ROOM = { numbers: 28, vectors: 96 };

/** The numbers that transforms load, as float32. */
const numbers: number[] = [];

/** The name of a number. */
function named(c: number): string {
  const rounded = Math.fround(c);
  if (!numbers.includes(rounded)) numbers.push(rounded);
  if (numbers.length > ROOM.numbers) throw new RangeError(`Cannot load ${numbers.length} numbers: no room`);
  return `k${numbers.indexOf(rounded)}`;
}

/** A sum that begins with what needs no product, or else with a positive number. */
function sum(terms: readonly Term[]): string {
  const rank = ([c]: Term): number => c === 1 ? 0 : c > 0 ? 1 : 2;
  const add = (text: string, [c, x]: Term): string => {
    if (c === 1) return text === "zero" ? x : `f32x4.add(${text}, ${x})`;
    if (c === -1) return `f32x4.sub(${text}, ${x})`;
    if (c > 0) return text === "zero" ? `f32x4.mul(${named(c)}, ${x})` : `mad(${named(c)}, ${x}, ${text})`;
    return `nmad(${named(-c)}, ${x}, ${text})`;
  };
  return terms.toSorted((a, b) => rank(a) - rank(b)).reduce(add, "zero");
}

/** True for rows of points ±p: numbers are the same, or opposite. */
function isPair(row: readonly number[], next: readonly number[] = []): boolean {
  return row.every((c, i) => Math.abs(c) === Math.abs(next[i] ?? NaN));
}

/** `matrix` times x. */
function evaluate(matrix: Matrix): Step[] {
  const dot = (row: readonly number[]): string =>
    sum(row.map((c, i): Term => [c, `x${i}`]).filter(([c]) => c !== 0));
  const steps: Step[] = [];
  for (let i = 0; i < matrix.length; i++) {
    const [row, next] = [matrix[i]!, matrix[i + 1]];
    if (!isPair(row, next)) {
      steps.push({ lines: [], values: [[i, dot(row)]] });
      continue;
    }
    const even = row.map((c, j) => (c + next![j]!) / 2);
    const odd = row.map((c, j) => (c - next![j]!) / 2);
    // The factor that leaves numbers of the even part, which are loaded anyway.
    const isKnown = (c: number): boolean => c === 0 || c === 1 || even.includes(c) || even.includes(-c);
    const factor = odd.find((f) => f !== 0 && odd.every((c) => isKnown(c / f)))!;
    const [e, f] = [`e${i}`, `f${i}`];
    steps.push({
      lines: [`const ${e} = ${dot(even)};`, `const ${f} = ${dot(odd.map((c) => c / factor))};`],
      values: [[i, sum([[1, e], [factor, f]])], [i + 1, sum([[1, e], [-factor, f]])]],
    });
    i++;
  }
  return steps;
}

/** The transpose of `matrix` times x: what begins with the same elements of x follows one another. */
function gather(matrix: Matrix): Step[] {
  const known = new Set<string>();
  const first = (j: number): number => matrix.findIndex((row) => row[j] !== 0);
  const columns = matrix[0]!.map((_, j) => j).toSorted((a, b) => first(a) - first(b));
  return columns.map((j): Step => {
    const lines: string[] = [];
    const terms: Term[] = [];
    for (let i = 0; i < matrix.length; i++) {
      const c = matrix[i]![j]!;
      if (c === 0) continue;
      if (!isPair(matrix[i]!, matrix[i + 1])) {
        terms.push([c, `x${i}`]);
        continue;
      }
      const [letter, op] = c === matrix[i + 1]![j] ? ["s", "add"] : ["d", "sub"];
      const name = `${letter}${i}`;
      if (!known.has(name)) lines.push(`const ${name} = f32x4.${op}(x${i}, x${i + 1});`);
      known.add(name);
      terms.push([c, name]);
      i++;
    }
    return { lines, values: [[j, sum(terms)]] };
  });
}

/** The names in a text that begin with a letter and end with a number. */
function namesIn(text: string, letter: string): string[] {
  return [...new Set(text.match(new RegExp(`\\b${letter}\\d+\\b`, "g")) ?? [])];
}

/** 0 … n − 1. */
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Of a vector. */
const LANES = upTo(4);
/** To the next row at four places. */
const ROWS = LANES.map((l) => `p${l} += row;`);

/** Exchanges rows and columns of the lanes of four vectors. */
function exchange(from: readonly string[], to: (i: number, value: string) => string): string[] {
  const [a, b, c, d] = from;
  const t = (i: number): string => `${a}_${i}`;
  return [
    `const ${t(0)} = i32x4.shuffle(${a}, ${b}, 0, 4, 1, 5);`,
    `const ${t(1)} = i32x4.shuffle(${c}, ${d}, 0, 4, 1, 5);`,
    `const ${t(2)} = i32x4.shuffle(${a}, ${b}, 2, 6, 3, 7);`,
    `const ${t(3)} = i32x4.shuffle(${c}, ${d}, 2, 6, 3, 7);`,
    to(0, `i64x2.shuffle(${t(0)}, ${t(1)}, 0, 2)`),
    to(1, `i64x2.shuffle(${t(0)}, ${t(1)}, 1, 3)`),
    to(2, `i64x2.shuffle(${t(2)}, ${t(3)}, 0, 2)`),
    to(3, `i64x2.shuffle(${t(2)}, ${t(3)}, 1, 3)`),
  ];
}

/** Where the vectors of a line come from: statements before all lines, for one vector, in order, or all, and to the next line. */
interface Source {
  readonly start?: readonly string[];
  readonly load?: (i: number) => string;
  readonly all?: readonly string[];
  readonly next: readonly string[];
}

/** Where those of a result go: one by one, or all together. */
interface Sink {
  readonly start?: readonly string[];
  readonly store?: (i: number, value: string) => string;
  readonly all?: readonly string[];
  readonly next: readonly string[];
}

/** Vectors in memory from `begin` on, `apart` vectors from one to the next of a line, and `step` from line to line. */
const vectors = (pointer: string, begin: string, apart: number, step: number): Source & Sink => ({
  start: [`let ${pointer} = ${begin};`],
  load: (i) => `const x${i} = v128.load(${pointer}, ${16 * apart * i});`,
  store: (i, value) => `v128.store(${pointer}, ${value}, ${16 * apart * i});`,
  next: [`${pointer} += ${16 * step};`],
});

/** Rows of `n` elements at four places, `row` bytes apart. */
function rows(n: number): Source {
  const all: string[] = [];
  for (let i = 0; i + 4 <= n; i += 4) {
    all.push(...LANES.map((l) => `const r${l}_${i} = v128.load(p${l}, ${4 * i});`));
    all.push(...exchange(LANES.map((l) => `r${l}_${i}`), (j, value) => `const x${i + j} = ${value};`));
  }
  const at = 4 * (n & ~3);
  if (n % 4 === 1) {
    all.push(`let last = v128.load32_zero(p0, ${at});`);
    all.push(...LANES.slice(1).map((l) => `last = v128.load32_lane(p${l}, last, ${l}, ${at});`));
    all.push(`const x${n - 1} = last;`);
  }
  if (n % 4 === 2) {
    const pair = (l: number): string =>
      `v128.load64_lane(p${l + 1}, v128.load64_zero(p${l}, ${at}), 1, ${at})`;
    all.push(`const r01 = ${pair(0)};`, `const r23 = ${pair(2)};`);
    all.push(`const x${n - 2} = i32x4.shuffle(r01, r23, 0, 2, 4, 6);`);
    all.push(`const x${n - 1} = i32x4.shuffle(r01, r23, 1, 3, 5, 7);`);
  }
  return { all, next: ROWS };
}

/** Four places that the table of tiles has at byte `at`. */
const placesOf = (at: number): string[] =>
  LANES.map((l) => `let p${l} = o + <usize>load<i32>(tiles, ${16 * l + at});`);

/** Rows of `n` elements that are added to those at four places. */
function addedRows(n: number): Sink {
  const all: string[] = [];
  for (let i = 0; i + 4 <= n; i += 4) {
    all.push(...exchange(LANES.map((l) => `y${i + l}`), (l, value) => `addTo(p${l} + ${4 * i}, ${value});`));
  }
  const at = 4 * (n & ~3);
  const [y, z] = [`y${n - 2}`, `y${n - 1}`];
  if (n % 4 === 1) all.push(...LANES.map((l) => `addOne(p${l} + ${at}, f32x4.extract_lane(${z}, ${l}));`));
  if (n % 4 === 2) {
    for (const [l, lanes] of [[0, "0, 4, 1, 5"], [2, "2, 6, 3, 7"]] as const) {
      all.push(`const pair${l} = i32x4.shuffle(${y}, ${z}, ${lanes});`);
      all.push(`addPair(p${l} + ${at}, pair${l});`);
      all.push(`addPair(p${l + 1} + ${at}, i64x2.shuffle(pair${l}, pair${l}, 1, 1));`);
    }
  }
  return { start: placesOf(0), all, next: ROWS };
}

/** Rows of outputs that are finished and stored at four places. */
const finishedRows: Sink = {
  start: [...placesOf(4), "const whole = gap === 4 && areWhole(tiles);", "let i = 0;"],
  all: ["putRows(p0, p1, p2, p3, y0, y1, y2, y3, whole, tiles, i, gap, ends, bias);"],
  next: [...ROWS, "i++;"],
};

/** Columns of `n` × `n` matrices, `step` bytes apart. */
const columns = (n: number): Source => ({
  start: ["let q = m;"],
  load: (i) => i === 0 ? "const x0 = v128.load(q);" : `const x${i} = v128.load(q += ${n} * step);`,
  next: ["q = m += step;"],
});

/** The same as a result, or where the table of offsets says; whole vectors, or their lanes `apart` bytes apart. */
function columnsOf(n: number, hasOffsets: boolean, canScatter: boolean): Sink {
  const at = (i: number): string =>
    hasOffsets ? `o + <usize>load<i32>(q, ${4 * n * i})` : i === 0 ? "q" : `q += ${n} * step`;
  const start = [`let q = ${hasOffsets ? "offsets()" : "o"};`];
  const next = [hasOffsets ? "q += 4;" : "q = o += step;"];
  if (!canScatter) return { start, store: (i, value) => `v128.store(${at(i)}, ${value});`, next };
  const all = [
    "if (apart === 0) {",
    ...upTo(n).map((i) => `  v128.store(${at(i)}, y${i});`),
    "} else {",
    ...upTo(n).map((i) => `  scatter(${at(i)}, y${i}, apart);`),
    "}",
  ];
  return { start, all, next };
}

/** A loop over lines of a tile, as long as `condition` holds. */
function pass(condition: string, source: Source, steps: readonly Step[], sink: Sink): string[] {
  const body = [...source.all ?? []];
  const loaded = new Set(source.all === undefined ? [] : namesIn(source.all.join(), "x"));
  for (const { lines, values } of steps) {
    const needed = namesIn([...lines, ...values.map(([, value]) => value)].join(), "x").filter((x) =>
      !loaded.has(x)
    );
    for (const x of needed.map((name) => Number(name.slice(1))).sort((a, b) => a - b)) {
      body.push(source.load!(x));
      loaded.add(`x${x}`);
    }
    body.push(...lines, ...values.map(([i, value]) => sink.store?.(i, value) ?? `const y${i} = ${value};`));
  }
  body.push(...sink.all ?? [], ...source.next, ...sink.next);
  const start = [...source.start ?? [], ...sink.start ?? []];
  return [...start, `while (${condition}) {`, ...body.map((line) => `  ${line}`), "}"];
}

/** A transform of tiles. */
interface Transform {
  readonly name: string;
  readonly title: string;
  readonly parameters: readonly string[];
  readonly matrix: Matrix;
  /** True where the transpose is what tiles are multiplied by. */
  readonly isTransposed?: boolean;
  readonly source: Source;
  readonly sink: Sink;
}

/** The transforms of tiles of kernels that move by `stride`. */
function transformsOf(stride: 1 | 2): Transform[] {
  const { image, weight, output } = AXES[stride];
  const [products, sums] = [image.length, output.length];
  const hasOffsets = stride === 2;
  const four = upTo(4).map((l) => `p${l}: usize`);
  return [
    {
      name: "inputTile",
      title: "Tiles of the image at four places, rows `row` bytes apart → products, `step` bytes apart.",
      parameters: [...four, "row: usize", "o: usize", "step: usize"],
      matrix: image,
      source: rows(image[0]!.length),
      sink: columnsOf(products, hasOffsets, false),
    },
    {
      name: "weightTile",
      title: "Nine vectors of weights at {@linkcode between} → products, or their lanes `apart` bytes apart.",
      parameters: ["o: usize", "step: usize", "apart: usize"],
      matrix: weight,
      source: vectors("w", "between()", 1, WEIGHTS),
      sink: columnsOf(products, hasOffsets, true),
    },
    {
      name: "gradTile",
      title:
        "Gradients of outputs at four places → what sums of products had, or the lanes of it `apart` bytes apart.",
      parameters: [...four, "row: usize", "o: usize", "step: usize", "apart: usize"],
      matrix: output,
      source: rows(OUTPUTS),
      sink: columnsOf(sums, false, true),
    },
    {
      name: "outputTile",
      title: "Sums of products → outputs, finished with `bias` where `ends`, where the table of tiles says.",
      parameters: [
        ...["m: usize", "step: usize", "o: usize", "row: usize", "gap: usize", "tiles: usize"],
        ...["ends: bool", "bias: v128"],
      ],
      matrix: output,
      isTransposed: true,
      source: columns(sums),
      sink: finishedRows,
    },
    {
      name: "backTile",
      title:
        "Gradients of products → those of tiles of the image, which are added to it where the table of tiles says.",
      parameters: ["m: usize", "step: usize", "o: usize", "row: usize", "tiles: usize"],
      matrix: image,
      isTransposed: true,
      source: columns(products),
      sink: addedRows(image[0]!.length),
    },
    {
      name: "kernelTile",
      title: "Gradients of products → those of weights, nine vectors at {@linkcode between}.",
      parameters: ["m: usize", "step: usize"],
      matrix: weight,
      isTransposed: true,
      source: columns(products),
      sink: vectors("w", "between()", 1, WEIGHTS),
    },
  ];
}

/** The lines of a transform for kernels that move by `stride`. */
function textOf(stride: 1 | 2, t: Transform): string[] {
  const [products, elements] = [t.matrix.length, t.matrix[0]!.length];
  const count = WEIGHTS * WEIGHTS + products * elements;
  if (count > ROOM.vectors) throw new RangeError(`Cannot keep ${count} vectors: no room`);
  // What has passed once lies row by row, as many vectors as there are products.
  const row = 16 * products;
  const end = `temp + ${row * elements}`;
  const passes = t.isTransposed
    ? [
      ...pass(`to < temp + ${row}`, t.source, gather(t.matrix), vectors("to", "temp", products, 1)),
      ...pass(`from < ${end}`, vectors("from", "temp", 1, products), gather(t.matrix), t.sink),
    ]
    : [
      ...pass(`to < ${end}`, t.source, evaluate(t.matrix), vectors("to", "temp", 1, products)),
      ...pass(`from < temp + ${row}`, vectors("from", "temp", products, 1), evaluate(t.matrix), t.sink),
    ];
  const loads = namesIn(passes.join("\n"), "k").map((k) =>
    `const ${k} = v128.load(k, ${16 * Number(k.slice(1))});`
  );
  if (passes.some((line) => /\bzero\b/.test(line))) loads.push("const zero = f32x4.splat(0);");
  return [
    `function ${t.name}${stride}(${t.parameters.join(", ")}): void {`,
    ...["const k = numbers();", `const temp = between() + ${16 * WEIGHTS * WEIGHTS};`, ...loads, ...passes]
      .map((line) => `  ${line}`),
    "}",
    "",
  ];
}

/** The text of `assembly/generated/winograd_tiles.ts`. */
export function winogradText(): string {
  const [dense, strided] = [transformsOf(1), transformsOf(2)];
  const both = dense.flatMap((t, i): string[] => {
    const names = t.parameters.map((p) => p.split(":")[0]).join(", ");
    return [
      ...textOf(1, t),
      ...textOf(2, strided[i]!),
      `/** ${t.title} */`,
      `export function ${t.name}(strided: bool, ${t.parameters.join(", ")}): void {`,
      `  if (strided) return ${t.name}2(${names});`,
      `  return ${t.name}1(${names});`,
      "}",
      "",
    ];
  });
  return [
    "/** Generated by build_winograd.ts: the transforms of Winograd's method. */",
    "",
    'import { mad, nmad } from "../fused";',
    'import { addOne, addPair, addTo, areWhole, putRows, scatter } from "../winograd_image";',
    'import { between, numbers, offsets } from "../winograd_layout";',
    "",
    ...both,
    "/** The 3 × 3 weights of four kernels → nine vectors at `w`, `step` bytes apart. */",
    "export function loadWeights(p0: usize, p1: usize, p2: usize, p3: usize, w: usize, step: usize): void {",
    ...rows(WEIGHTS * WEIGHTS).all!.map((line) => `  ${line}`),
    ...upTo(WEIGHTS * WEIGHTS).map((i) => `  v128.store(w${i === 0 ? "" : " += step"}, x${i});`),
    "}",
    "",
    "/** Writes the numbers that transforms load, each in four lanes. */",
    "export function writeNumbers(): void {",
    "  const k = numbers();",
    ...numbers.map((c, i) => `  v128.store(k, f32x4.splat(${c}), ${16 * i});`),
    "}",
    "",
  ].join("\n");
}
