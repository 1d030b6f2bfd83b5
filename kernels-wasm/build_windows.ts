/**
 * The text of the kernels that slide a window of five rows over a plane, `assembly/generated/windows.ts`: depthwise
 * convolutions of 5 × 5, and their gradients for the weights. The image is read where it lies.
 *
 * Four pixels in a row are a vector. A kernel holds the sums of several rows of the result in registers, reads each vector of
 * the image once for all of them, and goes through the columns of the weights one by one, so that it holds the weights of one
 * column. Gradients of weights hold pixels where the others hold sums, and sums where they hold weights. V8 keeps 15 vectors
 * in registers.
 *
 * Rows beside the image are skipped. Columns beside it are masked in the kernels for the edge; seven rows at once make up the
 * height of the small images where most is edge.
 *
 * @module
 */

/** A kernel. */
interface Window {
  /** Columns of weights that are multiplied at once: 1 or 2. */
  readonly columns: number;
  /** By how many elements the window moves: 1 or 2. */
  readonly by: number;
  /** Rows of the result at once. */
  readonly rows: number;
  /** Vectors of each of them. */
  readonly vectors: number;
  /** Whether columns may lie beside the image. */
  readonly edge: boolean;
}

/** Sums of pixels, and sums of weights. Sums of pixels by 2 read so much that masks cost nothing beside it. */
const SUMS: readonly Window[] = [
  { columns: 1, by: 1, rows: 4, vectors: 2, edge: false },
  { columns: 1, by: 1, rows: 7, vectors: 1, edge: true },
  { columns: 1, by: 2, rows: 7, vectors: 1, edge: true },
];
const GRADIENTS: readonly Window[] = [1, 2].flatMap((by) => [
  { columns: 2, by, rows: 3, vectors: 1, edge: false },
  { columns: 1, by, rows: 7, vectors: 1, edge: true },
]);

/** Rows of weights. */
const HIGH = 5;

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

const block = (head: string, lines: readonly string[]): string[] => [
  `${head} {`,
  ...lines.map((line) => `  ${line}`),
  "}",
];

/** The lines that make `x`, what column `c` of the weights multiplies in vector `v` of the row at `p`. */
function columnOf({ columns, by, edge }: Window, c: number, v: number): string[] {
  const at = 16 * by * v;
  const set = (value: string): string => `const x${c}${v} = ${edge ? `v128.and(${value}, mask)` : value};`;
  if (by === 1) return [set(`v128.load(p, ${at + 4 * c})`)];
  const [left, right] = [`v128.load(p, ${at})`, `v128.load(p, ${at + 12})`];
  if (columns === 1) return [set(`i32x4.shuffle(${left}, ${right}, 0, 2, 5, 7)`)];
  if (c === 1) return [set("i32x4.shuffle(left, right, 1, 3, 5, 7)")];
  return [
    `const left = ${left};`,
    `const right = v128.load(p, 16);`,
    set("i32x4.shuffle(left, right, 0, 2, 4, 6)"),
  ];
}

/** All rows of the image that rows of the result read together; `use` says how row `y` of the weights takes part in row `r`. */
function products(window: Window, use: (y: number, r: number, c: number, v: number) => string): string[] {
  const { columns, by, rows, vectors } = window;
  return range((rows - 1) * by + HIGH).flatMap((i) => {
    const results = range(rows).filter((r) => i >= by * r && i < by * r + HIGH);
    const lines = range(vectors).flatMap((v) =>
      range(columns).flatMap((c) => [
        ...columnOf(window, c, v),
        ...results.map((r) => use(i - by * r, r, c, v)),
      ])
    );
    return [...(i === 0 ? [] : ["p += line;"]), ...block(`if (inside & ${1 << i})`, lines)];
  });
}

/** A kernel that does `body` for every block of pixels: its first row of the image is `y`, its place in the result `q`. */
function kernel(
  name: string,
  { by, rows, vectors, edge }: Window,
  before: readonly string[],
  body: readonly string[],
  after: readonly string[],
): string[] {
  return [
    ...block(
      `export function ${name}_by${by}${
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
        ...before,
        `const last = end - ${16 * vectors};`,
        // Dilated weights see every so manieth row.
        ...block("for (let f = 0; f < apart; f++)", [
          "let y = f - TOP;",
          "let to = o + (<usize>(f * n) << 2);",
          "let rows = apart === 1 ? OUT_Y : (OUT_Y - f + apart - 1) / apart;",
          ...block(`for (; rows > 0; rows -= ${rows})`, [
            `const inside = rowsInside(y, apart, ${(rows - 1) * by + HIGH}, high);`,
            ...block(`for (let j = from; j < end; j += ${16 * vectors})`, [
              "const past = j - last;",
              "if (past > 0) j = last;",
              "let q = to + <usize>j;",
              `const at = x + <usize>(y * <i32>LINE + j * ${by});`,
              ...body,
            ]),
            `y += ${rows * by} * apart;`,
            `to += ${rows} * next;`,
          ]),
        ]),
        ...after,
      ],
    ),
    "",
  ];
}

/** Sums of pixels with all channels and columns of the weights at `w`. */
function sumsOfPixels(window: Window): string[] {
  const { by, rows, vectors, edge } = window;
  const names = range(rows).map((r) => range(vectors).map((v) => `s${r}${v}`));
  return kernel("window", window, [], [
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
        ...products(window, (y, r, c, v) => `s${r}${v} = mad(w${y}, x${c}${v}, s${r}${v});`),
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
  ], []);
}

/** Sums of `columns` columns of weights, which are added to those at `w`: the columns begin at `x` in rows of the image. */
function sumsOfWeights(window: Window): string[] {
  const { columns, by, rows, edge } = window;
  const sums = range(HIGH).flatMap((y) => range(columns).map((c) => ({ name: `s${y}${c}`, y, c })));
  const pixels = range(rows).map((r) => `g${r}`);
  return kernel(
    "gradient",
    window,
    sums.map(({ name, y, c }) => `let ${name} = v128.load(w + ${y} * (<usize>width << 4), ${16 * c});`),
    [
      "let g0 = v128.load(q);",
      ...pixels.slice(1).flatMap((name, i) => [
        `let ${name} = f32x4.splat(0);`,
        ...block(`if (rows > ${i + 1})`, ["q += next;", `${name} = v128.load(q);`]),
      ]),
      ...block("if (past > 0)", [
        "const some = lastLanes(4 - (past >> 2));",
        ...pixels.map((name) => `${name} = v128.and(${name}, some);`),
      ]),
      ...(edge ? [`const mask = columnsInside((j >> 2) * ${by} + left, ${by});`] : []),
      "let p = at;",
      ...products(window, (y, r, c, v) => `s${y}${c} = mad(g${r}, x${c}${v}, s${y}${c});`),
    ],
    sums.map(({ name, y, c }) => `v128.store(w + ${y} * (<usize>width << 4), ${name}, ${16 * c});`),
  );
}

/** The text of `assembly/generated/windows.ts`. */
export function windowsText(): string {
  return [
    "/** Generated by build_windows.ts: windows over planes. */",
    "",
    'import { mad } from "../fused";',
    'import { lastLanes } from "../near";',
    'import { CHANNELS, columnsInside, DILATION_X, DILATION_Y, LINE, OUT_X, OUT_Y, PLANE, rowsInside, SIZE_Y, TOP, WIDTH } from "../window";',
    "",
    ...SUMS.flatMap(sumsOfPixels),
    ...GRADIENTS.flatMap(sumsOfWeights),
  ].join("\n");
}
