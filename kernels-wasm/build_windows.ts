/**
 * The text of the kernels that slide a window of five rows over a plane, `assembly/generated/windows.ts`: depthwise
 * convolutions of 5 × 5. The image is read where it lies.
 *
 * Four pixels in a row are a vector. A kernel holds the sums of several rows of the result in registers, reads each vector of
 * the image once for all of them, and goes through the columns of the weights one by one, so that it holds the weights of one
 * column. V8 keeps 15 vectors in registers.
 *
 * Rows beside the image are skipped. Columns beside it are masked in the kernels for the edge; seven rows at once make up the
 * height of the small images where most is edge.
 *
 * @module
 */

/** A kernel. */
interface Window {
  /** By how many elements the window moves: 1 or 2. */
  readonly by: number;
  /** Rows of the result at once. */
  readonly rows: number;
  /** Vectors of each of them. */
  readonly vectors: number;
  /** Whether columns may lie beside the image. */
  readonly edge: boolean;
}

/** With steps of 2 so much is read that masks cost nothing beside it. */
const WINDOWS: readonly Window[] = [
  { by: 1, rows: 4, vectors: 2, edge: false },
  { by: 1, rows: 7, vectors: 1, edge: true },
  { by: 2, rows: 7, vectors: 1, edge: true },
];

/** Rows of weights. */
const HIGH = 5;

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

const block = (head: string, lines: readonly string[]): string[] => [
  `${head} {`,
  ...lines.map((line) => `  ${line}`),
  "}",
];

/** The lines that make `x`, what a column of the weights multiplies in vector `v` of the row at `p`. */
function columnOf({ by, edge }: Window, v: number): string {
  const value = by === 1
    ? `v128.load(p, ${16 * v})`
    : `i32x4.shuffle(v128.load(p, ${32 * v}), v128.load(p, ${32 * v + 12}), 0, 2, 5, 7)`;
  return `const x${v} = ${edge ? `v128.and(${value}, mask)` : value};`;
}

/** All rows of the image that rows of the result read together. */
function products(window: Window): string[] {
  const { by, rows, vectors } = window;
  return range((rows - 1) * by + HIGH).flatMap((i) => {
    const results = range(rows).filter((r) => i >= by * r && i < by * r + HIGH);
    const lines = range(vectors).flatMap((v) => [
      columnOf(window, v),
      ...results.map((r) => `s${r}${v} = mad(w${i - by * r}, x${v}, s${r}${v});`),
    ]);
    return [...(i === 0 ? [] : ["p += line;"]), ...block(`if (inside & ${1 << i})`, lines)];
  });
}

/** A kernel that does `body` for every block of pixels: its first row of the image is `y`, its place in the result `q`. */
function kernel({ by, rows, vectors, edge }: Window, body: readonly string[]): string[] {
  return [
    ...block(
      `export function window_by${by}${
        edge ? "_edge" : ""
      }(w: usize, x: usize, o: usize, from: i32, end: i32, left: i32): void`,
      [
        "const apart = DILATION_Y;",
        "const between = DILATION_X;",
        "const width = WIDTH;",
        "const line = LINE * apart;",
        "const high = SIZE_Y;",
        "const n = OUT_X;",
        "const next = <usize>(n * apart) << 2;",
        `const last = end - ${16 * vectors};`,
        // Dilated weights see every so manieth row.
        ...block("for (let f = 0; f < apart; f++)", [
          "let y = f - TOP;",
          "let to = o + (<usize>(f * n) << 2);",
          "let rows = apart === 1 ? OUT_Y : (OUT_Y - f + apart - 1) / apart;",
          ...block(`for (; rows > 0; rows -= ${rows})`, [
            `const inside = rowsInside(y, apart, ${(rows - 1) * by + HIGH}, high);`,
            ...block(`for (let j = from; j < end; j += ${16 * vectors})`, [
              "if (j > last) j = last;",
              "let q = to + <usize>j;",
              `const at = x + <usize>(y * <i32>LINE + j * ${by});`,
              ...body,
            ]),
            `y += ${rows * by} * apart;`,
            `to += ${rows} * next;`,
          ]),
        ]),
      ],
    ),
    "",
  ];
}

/** Sums of pixels with all channels and columns of the weights at `w`. */
function sumsOfPixels(window: Window): string[] {
  const { by, rows, vectors, edge } = window;
  const names = range(rows).map((r) => range(vectors).map((v) => `s${r}${v}`));
  return kernel(window, [
    ...names.flat().map((name) => `let ${name} = f32x4.splat(0);`),
    "let u = w;",
    "let plane = at;",
    ...block("for (let c = CHANNELS; c > 0; c--)", [
      "let column = plane;",
      ...(edge ? [`let first = (j >> 2) * ${by} + left;`] : []),
      ...block("for (let k = width; k > 0; k--)", [
        ...range(HIGH).map((y) => `const w${y} = v128.load32_splat(u + ${y} * (<usize>width << 2));`),
        ...(edge ? [`const mask = columnsInside(first, ${by});`, "first += between;"] : []),
        "let p = column;",
        ...products(window),
        "column += <usize>between << 2;",
        "u += 4;",
      ]),
      `u += ${HIGH - 1} * (<usize>width << 2);`,
      "plane += PLANE;",
    ]),
    ...names.flatMap((row, r) => {
      const put = row.map((name, v) => `v128.store(q, ${name}, ${16 * v});`);
      return r === 0 ? put : block(`if (rows > ${r})`, ["q += next;", ...put]);
    }),
  ]);
}

/** The text of `assembly/generated/windows.ts`. */
export function windowsText(): string {
  return [
    "/** Generated by build_windows.ts: windows over planes. */",
    "",
    'import { mad } from "../fused";',
    'import { CHANNELS, columnsInside, DILATION_X, DILATION_Y, LINE, OUT_X, OUT_Y, PLANE, rowsInside, SIZE_Y, TOP, WIDTH } from "../window";',
    "",
    ...WINDOWS.flatMap(sumsOfPixels),
  ].join("\n");
}
