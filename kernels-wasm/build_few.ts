/**
 * The text of the inner loops of products with few rows, `assembly/generated/few.ts`: `rows` rows of A with `streams` rows or
 * columns of B at a time, which lie far apart, so that memory comes as a few long streams. `assembly/gemm_few.ts` calls them.
 *
 * Where a row of A is alone, the loops do two vectors at a time; with two rows every vector of B is used twice.
 *
 * @module
 */

/** A loop. */
interface Loop {
  /** Rows of A and C at once: 1 or 2. */
  readonly rows: number;
  /** Rows or columns of B at once. */
  readonly streams: number;
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const block = (
  head: string,
  body: readonly string[],
): string[] => [`${head} {`, ...body.map((line) => `  ${line}`), "}"];

/** Where the streams of B begin, as `b0`, `b1`, … */
const streamsOf = ({ streams }: Loop, gap: string): string[] =>
  range(streams).map((i) => i === 0 ? "let b0 = b;" : `let b${i} = b${i - 1} + ${gap};`);

const advance = (names: readonly string[], bytes: number): string[] =>
  names.map((name) => `${name} += ${bytes};`);
const streamNames = ({ streams }: Loop): string[] => range(streams).map((i) => `b${i}`);

/** Elements of A, `gapA` bytes apart from `from` on, in all lanes of `name` 0, 1, … */
function spread({ streams }: Loop, name: string, from: string): string[] {
  return [
    `at = ${from};`,
    ...range(streams).flatMap((i) => [
      ...(i === 0 ? [] : ["at += gapA;"]),
      `const ${name}${i} = v128.load32_splat(at);`,
    ]),
  ];
}

/** Rows of B times elements of A, added to rows of C. */
function adds(loop: Loop): string[] {
  const { rows, streams } = loop;
  if (rows === 1) {
    return block(
      `export function add_1x${streams}(x: usize, gapA: usize, b: usize, gapB: usize, y: usize, bytes: usize): void`,
      [
        "const end = y + bytes;",
        "let at: usize;",
        ...spread(loop, "s", "x"),
        ...streamsOf(loop, "gapB"),
        ...block("for (; y + 32 <= end; y += 32)", [
          "let v = v128.load(y);",
          "let w = v128.load(y, 16);",
          ...range(streams).flatMap((i) => [
            `v = mad(s${i}, v128.load(b${i}), v);`,
            `w = mad(s${i}, v128.load(b${i}, 16), w);`,
          ]),
          "v128.store(y, v);",
          "v128.store(y, w, 16);",
          ...advance(streamNames(loop), 32),
        ]),
        `if (y < end) addOne(x, gapA, ${streams}, b0, gapB, y, end - y);`,
      ],
    );
  }
  return block(
    `export function add_2x${streams}(x: usize, rsa: usize, gapA: usize, b: usize, gapB: usize, y: usize, rsc: usize, bytes: usize): void`,
    [
      "const end = y + (bytes & ~15);",
      "let x1 = x + rsa;",
      "let z = y + rsc;",
      "let at: usize;",
      ...spread(loop, "s", "x"),
      ...spread(loop, "r", "x1"),
      ...streamsOf(loop, "gapB"),
      ...block("while (y < end)", [
        "let v = v128.load(y);",
        "let w = v128.load(z);",
        ...range(streams).flatMap((i) => [
          `${i === 0 ? "let " : ""}u = v128.load(b${i});`,
          `v = mad(s${i}, u, v);`,
          `w = mad(r${i}, u, w);`,
        ]),
        "v128.store(y, v);",
        "v128.store(z, w);",
        ...advance(["y", "z", ...streamNames(loop)], 16),
      ]),
      "const left = bytes & 15;",
      ...block("if (left)", [
        `addOne(x, gapA, ${streams}, b0, gapB, y, left);`,
        `addOne(x1, gapA, ${streams}, b0, gapB, z, left);`,
      ]),
    ],
  );
}

/** Stores the sums of the lanes of `sums`, `gapC` bytes apart. */
const put = (sums: readonly string[]): string[] =>
  sums.map((sum, i) => {
    const times = i === 1 ? "" : `${i} * `;
    return i === 0
      ? `putOne(y, lanes(${sum}), d);`
      : `putOne(y + ${times}gapC, lanes(${sum}), d + ${times}step);`;
  });

/** Scalar products of rows of A with columns of B. */
function dots(loop: Loop): string[] {
  const { rows, streams } = loop;
  const sums = (name: string): string[] => range(streams).map((i) => `let ${name}${i} = f32x4.splat(0);`);
  const step = "const step = d ? gapC : 0;";
  const each = (lane: number, x: string, sum: string): string[] =>
    range(streams).map((i) =>
      `${sum}${i} = mad(${x}, v128.load(b${i}${lane ? `, ${lane}` : ""}), ${sum}${i});`
    );
  if (rows === 1) {
    return block(
      `export function dot_1x${streams}(x: usize, b: usize, gap: usize, y: usize, gapC: usize, bytes: usize, d: usize): void`,
      [
        "const end = x + bytes;",
        ...streamsOf(loop, "gap"),
        ...sums("s"),
        ...sums("r"),
        ...block("for (; x + 32 <= end; x += 32)", [
          "let v = v128.load(x);",
          ...each(0, "v", "s"),
          "v = v128.load(x, 16);",
          ...each(16, "v", "r"),
          ...advance(streamNames(loop), 32),
        ]),
        ...block("if (x < end)", ["const v = v128.load(x);", ...each(0, "v", "s")]),
        step,
        ...put(range(streams).map((i) => `f32x4.add(s${i}, r${i})`)),
      ],
    );
  }
  return block(
    `export function dot_2x${streams}(x: usize, rsa: usize, b: usize, gap: usize, y: usize, rsc: usize, gapC: usize, bytes: usize, d: usize, ldd: usize): void`,
    [
      "const end = x + bytes;",
      "let z = x + rsa;",
      ...streamsOf(loop, "gap"),
      ...sums("s"),
      ...sums("r"),
      ...block("while (x < end)", [
        "const v = v128.load(x);",
        "const w = v128.load(z);",
        ...range(streams).flatMap((i) => [
          `${i === 0 ? "let " : ""}u = v128.load(b${i});`,
          `s${i} = mad(v, u, s${i});`,
          `r${i} = mad(w, u, r${i});`,
        ]),
        ...advance(["x", "z", ...streamNames(loop)], 16),
      ]),
      step,
      ...put(range(streams).map((i) => `s${i}`)),
      "y += rsc;",
      "d += ldd;",
      ...put(range(streams).map((i) => `r${i}`)),
    ],
  );
}

/** The text of `assembly/generated/few.ts`. */
export function fewText(): string {
  const one: Loop = { rows: 1, streams: 4 };
  const two: Loop = { rows: 2, streams: 6 };
  return [
    "/** Generated by build_few.ts: products with few rows. */",
    "",
    'import { addOne, lanes, putOne } from "../gemm_few";',
    'import { mad } from "../fused";',
    "",
    ...[adds(one), adds({ ...one, streams: 6 }), adds(two), dots(one), dots(two)].flatMap((
      text,
    ) => [...text, ""]),
  ].join("\n");
}
