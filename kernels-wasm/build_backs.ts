/**
 * The text of the kernels that make planes of the input's gradient, `assembly/generated/backs.ts`: square kernels that move by
 * 1 or 2. The gradient is read where it lies.
 *
 * Where a kernel moves by 2, of 2 × 2 elements of the input each has its own subset of the weights. A block is four such pairs
 * of columns, or eight columns by 1. It goes down the plane and reads each row of the gradient once, for all rows of the input
 * that have a share in it: sums of those that are not complete yet are carried along. Weights come from memory, as V8 has no
 * registers for them.
 *
 * Rows beside the gradient are left out. Columns beside it are masked in the kernels for the edge, so that what is not finite
 * stays in its own window.
 *
 * @module
 */

/** A kernel. */
interface Back {
  /** Rows and columns of weights. */
  readonly size: number;
  /** By how many elements the windows move: 1 or 2. */
  readonly by: number;
  /** Whether the first of a pair of columns is what odd columns of the weights make: with odd borders. */
  readonly odd: boolean;
  /** Whether columns may lie beside the gradient, or the last pair lack its second. */
  readonly edge: boolean;
}

/** Where weights are many, masks cost nothing beside them. */
const BACKS: readonly Back[] = [
  { size: 5, by: 1, odd: false, edge: true },
  { size: 1, by: 2, odd: false, edge: true },
  ...[false, true].flatMap((odd) => [
    ...[4, 5, 7].map((size) => ({ size, by: 2, odd, edge: true })),
  ]),
];

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

const block = (head: string, lines: readonly string[]): string[] => [
  `${head} {`,
  ...lines.map((line) => `  ${line}`),
  "}",
];

/** The name of a kernel. */
const nameOf = ({ size, by, odd, edge }: Back): string =>
  `back${size}_by${by}${odd ? "_odd" : ""}${edge ? "_edge" : ""}`;

/** Vectors of a row of the input that a block makes, in pairs with steps of 2. */
const VECTORS = 2;

/**
 * Sums of the elements of one phase: the number of the row in its pair, of the column (or of the vector, by 1), and for how many
 * rows of the gradient later.
 */
const sum = (row: number, column: number, later: number): string => `s${row}${column}${later}`;

/** The kernel's text. */
function backOf(back: Back): string[] {
  const { size, by, odd, edge } = back;
  /** How far from a pair column `b` of the weights reads the gradient. */
  const columnOf = (b: number): number => (odd && b % 2 === 0 ? 1 : 0) - Math.floor(b / by);
  const columns = [...new Set(range(size).map(columnOf))].sort((a, b) => a - b);
  const first = columns[0]!;
  const phases = range(by).flatMap((row) =>
    range(VECTORS).map((column) => ({
      row,
      column,
      rows: by === 1 || column < size ? Math.ceil((size - row) / by) : 0,
    }))
  ).filter(({ rows }) => rows > 0);
  const vector = (phase: number): string =>
    phases.some(({ row, column }) => `${row}${column}` === String(phase).padStart(2, "0"))
      ? sum(Math.floor(phase / 10), phase % 10, 0)
      : "zero";
  const parts = range(by === 1 ? VECTORS : 1);
  const products = columns.flatMap((at) => [
    ...parts.map((v) => {
      const load = `v128.load(p, ${4 * (at - first) + 16 * v})`;
      return `const x${at - first}${v} = ${edge ? `v128.and(${load}, mask${at - first}${v})` : load};`;
    }),
    ...range(size).filter((b) => columnOf(b) === at).flatMap((b) =>
      range(size).flatMap((a) => [
        `const w${a}${b} = v128.load32_splat(w, ${4 * (a * size + b)});`,
        ...parts.map((v) => {
          const name = sum(a % by, by === 1 ? v : b % by, Math.floor(a / by));
          return `${name} = mad(w${a}${b}, x${at - first}${v}, ${name});`;
        }),
      ])
    ),
  ]);
  const emit = (row: number): string[] => {
    const [a, b] = [vector(10 * row + (odd ? 1 : 0)), vector(10 * row + (odd ? 0 : 1))];
    const [low, high] = by === 1
      ? [a, b]
      : [`i32x4.shuffle(${a}, ${b}, 0, 4, 1, 5)`, `i32x4.shuffle(${a}, ${b}, 2, 6, 3, 7)`];
    const whole = `v128.store(q, ${high}, 16);`;
    return [
      ...block("if (<u32>y < <u32>h)", [
        `v128.store(q, ${low});`,
        ...(edge && by === 2
          ? [
            ...block("if (half)", [
              `const end = ${high};`,
              "v128.store64_lane(q, end, 0, 16);",
              "v128.store32_lane(q, end, 2, 24);",
            ]).slice(0, -1),
            ...block("} else", [whole]),
          ]
          : [whole]),
        "q += next;",
      ]),
      "y++;",
    ];
  };
  const later = phases.flatMap(({ row, column, rows }) =>
    range(rows).map((i) => `${sum(row, column, i)} = ${i + 1 < rows ? sum(row, column, i + 1) : "zero"};`)
  );
  return [
    ...block(`export function ${nameOf(back)}(w: usize, g: usize, o: usize, from: i32, end: i32): void`, [
      "const zero = f32x4.splat(0);",
      "const high = HIGH;",
      "const line = LINE;",
      "const h = OUT_Y;",
      "const next = NEXT;",
      `const last = end - ${by === 1 ? 4 * VECTORS : 4};`,
      ...block(`for (let j = from; j < end; j += ${by === 1 ? 4 * VECTORS : 4})`, [
        "j = min(j, last);",
        `const left = j + SHIFT${first < 0 ? ` - ${-first}` : first > 0 ? ` + ${first}` : ""};`,
        ...(edge
          ? columns.flatMap((at) =>
            range(by === 1 ? VECTORS : 1).map((v) =>
              `const mask${at - first}${v} = columnsInside(left + ${at - first + 4 * v});`
            )
          )
          : []),
        ...(edge && by === 2 ? ["const half = 2 * j + 8 > OUT_X;"] : []),
        "let p = g + <usize>(left << 2);",
        `let q = o + (<usize>j << ${by === 1 ? 2 : 3});`,
        "let y = -TOP;",
        ...phases.flatMap(({ row, column, rows }) =>
          range(rows).map((i) => `let ${sum(row, column, i)} = zero;`)
        ),
        ...block("for (let i = high; i > 0; i--)", [
          ...later,
          ...products,
          ...range(by).flatMap(emit),
          "p += line;",
        ]),
        // Below the gradient.
        ...block("while (y < h)", [...later, ...range(by).flatMap(emit)]),
      ]),
    ]),
    "",
  ];
}

/** The text of `assembly/generated/backs.ts`. */
export function backsText(): string {
  return [
    "/** Generated by build_backs.ts: gradients of planes of the input. */",
    "",
    'import { mad } from "../fused";',
    'import { columnsInside, HIGH, LINE, NEXT, OUT_X, OUT_Y, SHIFT, TOP } from "../back";',
    "",
    ...BACKS.flatMap(backOf),
  ].join("\n");
}
