/**
 * Facts of recurrent layers.
 *
 * @module
 */

import type { Attrs, FusedPrimitives, RecurrentAttrs, Shape } from "@flambeau/core";
import type { HostTensor } from "../host_tensor.ts";
import type { Make } from "../make.ts";
import { tolerances } from "../tolerance.ts";
import { badShape, badValue, type InfosOf, type Sample } from "./facts.ts";

type RecurrentName =
  | "rnnLayer"
  | "rnnLayerBackward"
  | "lstmLayer"
  | "lstmLayerBackward"
  | "gruLayer"
  | "gruLayerBackward";

const { composed } = tolerances;

/** Sizes of steps, hidden elements, and the direction; null elements are few, and gradients are checked there. */
type Call = readonly [title: string, sizes: Shape, h: number | null, reverse: boolean];

const calls: readonly Call[] = [
  ["two steps", [2, 2], null, false],
  ["packed", [2, 1], null, false],
  ["packed, reverse", [2, 1], null, true],
  ["one step", [3], 5, false],
  ["samples as in a batch", [7, 7, 7], 9, false],
  ["reverse", [6, 6, 6, 6], 8, true],
  ["long packed", [9, 9, 6, 6, 5, 2, 1], 12, false],
  ["long packed, reverse", [9, 9, 6, 6, 5, 2, 1], 12, true],
  ["no hidden elements", [2, 1], 0, false],
];

const total = (sizes: Shape): number => sizes.reduce((a, b) => a + b, 0);

/** What makes the inputs of one call. */
interface Shapes {
  /** Values in −1 … 1 with a row for each row of steps. */
  readonly rows: (parts: number) => HostTensor;
  /** The same in 0.2 … 0.8: what sigmoid may give. */
  readonly gates: (parts: number) => HostTensor;
  /** With one row for each sample. */
  readonly states: () => HostTensor;
  /** A weight, and other parameters. */
  readonly weight: (parts: number) => HostTensor;
  readonly bias: (parts: number) => HostTensor;
}

/** The samples of all calls, with the inputs that `inputsOf` makes; `few` hidden elements where gradients are checked. */
function samplesOf<P extends RecurrentName>(
  make: Make,
  few: number,
  attrsOf: (attrs: RecurrentAttrs) => readonly (readonly [title: string, attrs: Attrs<P>])[],
  inputsOf: (shapes: Shapes) => readonly (readonly [title: string, inputs: Sample<P>["inputs"]])[],
): Sample<P>[] {
  return calls.flatMap(([title, sizes, size, reverse]) => {
    const [r, h] = [total(sizes), size ?? few];
    const shapes: Shapes = {
      rows: (parts) => make.values([r, parts * h], -1, 1),
      gates: (parts) => make.values([r, parts * h], 0.2, 0.8),
      states: () => make.values([sizes[0]!, h], -1, 1),
      weight: (parts) => make.values([parts * h, h], -0.5, 0.5),
      bias: (parts) => make.values([parts * h], -0.5, 0.5),
    };
    return attrsOf({ sizes, reverse }).flatMap(([attrsTitle, attrs]) =>
      inputsOf(shapes).map(([inputsTitle, inputs]): Sample<P> => ({
        title: title + attrsTitle + inputsTitle,
        inputs,
        attrs,
        smooth: size === null,
      }))
    );
  });
}

const plain = (attrs: RecurrentAttrs): readonly (readonly [title: string, attrs: RecurrentAttrs])[] => [
  ["", attrs],
];

/** tanh everywhere; relu too. */
const nonlinearities = (
  attrs: RecurrentAttrs,
): readonly (readonly [title: string, attrs: Attrs<"rnnLayer">])[] => [
  [", tanh", { ...attrs, nonlinearity: "tanh" }],
  [", relu", { ...attrs, nonlinearity: "relu" }],
];

const two: RecurrentAttrs = { sizes: [2, 1], reverse: false };
const tanh: Attrs<"rnnLayer"> = { ...two, nonlinearity: "tanh" };

/** Facts of recurrent layers. */
export const recurrentInfos: InfosOf<Pick<FusedPrimitives<unknown>, RecurrentName>> = {
  rnnLayer: {
    tolerance: composed,
    differentiable: [0, 1, 2],
    expand: null,
    errors: [
      badShape(["float32[3, 4]", "float32[4, 3]", "float32[2, 4]"], tanh, "got [4, 3]"),
      badShape(["float32[2, 4]", "float32[4, 4]", "float32[2, 4]"], tanh, "got [2, 4]"),
      badShape(["float32[3, 4]", "float32[4, 4]", "float32[3, 4]"], tanh, "got [3, 4]"),
      badValue(
        ["float32[3, 4]", "float32[4, 4]", "float32[1, 4]"],
        { ...tanh, sizes: [1, 2] },
        "got [1, 2]",
      ),
      badValue(["float32[0, 4]", "float32[4, 4]", "float32[0, 4]"], { ...tanh, sizes: [] }, "got 0"),
    ],
    samples: (make) =>
      samplesOf<"rnnLayer">(make, 2, nonlinearities, ({ rows, weight, states }) => [
        ["", [rows(1), weight(1), states()]],
      ]),
  },

  rnnLayerBackward: {
    tolerance: composed,
    differentiable: [0, 1, 2, 3, 4],
    expand: null,
    errors: [
      badShape(["float32[2, 4]", "float32[2, 4]", "float32[4, 4]", "float32[3, 4]"], tanh, "got [2, 4]"),
      badShape(["float32[3, 4]", "float32[1, 4]", "float32[4, 4]", "float32[3, 4]"], tanh, "got [1, 4]"),
      badShape(["float32[3, 4]", "float32[2, 4]", "float32[4, 4]", "float32[3, 3]"], tanh, "got [3, 3]"),
    ],
    samples: (make) =>
      samplesOf<"rnnLayerBackward">(make, 2, nonlinearities, ({ rows, weight, states }) => [
        ["", [rows(1), states(), weight(1), rows(1)]],
        [", of what was saved", [rows(1), states(), weight(1), rows(1), rows(1)]],
      ]),
  },

  lstmLayer: {
    tolerance: composed,
    differentiable: [0, 1, 2, 3],
    expand: null,
    errors: [
      badShape(["float32[3, 8]", "float32[8, 3]", "float32[2, 2]", "float32[2, 2]"], two, "got [8, 3]"),
      badShape(["float32[3, 6]", "float32[8, 2]", "float32[2, 2]", "float32[2, 2]"], two, "got [3, 6]"),
      badShape(["float32[3, 8]", "float32[8, 2]", "float32[1, 2]", "float32[2, 2]"], two, "got [1, 2]"),
      badShape(["float32[3, 8]", "float32[8, 2]", "float32[2, 2]", "float32[2, 3]"], two, "got [2, 3]"),
      badValue(
        ["float32[2, 8]", "float32[8, 2]", "float32[2, 2]", "float32[2, 2]"],
        { sizes: [2, 0], reverse: false },
        "got [2, 0]",
      ),
    ],
    samples: (make) =>
      samplesOf<"lstmLayer">(make, 1, plain, ({ rows, weight, states }) => [
        ["", [rows(4), weight(4), states(), states()]],
      ]),
  },

  lstmLayerBackward: {
    tolerance: composed,
    differentiable: [0, 1, 2, 3, 4, 5, 6, 7, 8],
    expand: null,
    errors: [
      badShape(
        [
          "float32[3, 1]",
          "float32[2, 2]",
          "float32[2, 2]",
          "float32[8, 2]",
          "float32[3, 8]",
          "float32[3, 2]",
        ],
        two,
        "got [3, 1]",
      ),
      badShape(
        [
          "float32[3, 2]",
          "float32[2, 2]",
          "float32[2, 2]",
          "float32[8, 2]",
          "float32[3, 6]",
          "float32[3, 2]",
        ],
        two,
        "got [3, 6]",
      ),
      badShape(
        [
          "float32[3, 2]",
          "float32[2, 2]",
          "float32[2, 2]",
          "float32[8, 2]",
          "float32[3, 8]",
          "float32[2, 2]",
        ],
        two,
        "got [2, 2]",
      ),
    ],
    samples: (make) =>
      samplesOf<"lstmLayerBackward">(make, 1, plain, ({ rows, gates, weight, states }) => [
        ["", [rows(1), states(), states(), weight(4), gates(4), rows(1)]],
        [", of what was saved", [
          ...[rows(1), states(), states(), weight(4), gates(4), rows(1)] as const,
          ...[rows(4), rows(1), rows(1)] as const,
        ]],
      ]),
  },

  gruLayer: {
    tolerance: composed,
    differentiable: [0, 1, 2, 3],
    expand: null,
    errors: [
      badShape(["float32[3, 6]", "float32[8, 2]", "float32[6]", "float32[2, 2]"], two, "got [8, 2]"),
      badShape(["float32[3, 8]", "float32[6, 2]", "float32[6]", "float32[2, 2]"], two, "got [3, 8]"),
      badShape(["float32[3, 6]", "float32[6, 2]", "float32[2]", "float32[2, 2]"], two, "got [2]"),
      badShape(["float32[3, 6]", "float32[6, 2]", "float32[6]", "float32[3, 2]"], two, "got [3, 2]"),
    ],
    samples: (make) =>
      samplesOf<"gruLayer">(make, 1, plain, ({ rows, weight, bias, states }) => [
        ["", [rows(3), weight(3), bias(3), states()]],
      ]),
  },

  gruLayerBackward: {
    tolerance: composed,
    differentiable: [0, 1, 2, 3, 4, 5, 6],
    expand: null,
    errors: [
      badShape(
        ["float32[3, 2]", "float32[2, 3]", "float32[6, 2]", "float32[3, 8]", "float32[3, 2]"],
        two,
        "got [2, 3]",
      ),
      badShape(
        ["float32[3, 2]", "float32[2, 2]", "float32[6, 2]", "float32[3, 6]", "float32[3, 2]"],
        two,
        "got [3, 6]",
      ),
      badShape(
        ["float32[3, 2]", "float32[2, 2]", "float32[6, 2]", "float32[3, 8]", "float32[2, 2]"],
        two,
        "got [2, 2]",
      ),
    ],
    samples: (make) =>
      samplesOf<"gruLayerBackward">(make, 1, plain, ({ rows, gates, weight, states }) => [
        ["", [rows(1), states(), weight(3), gates(4), rows(1)]],
        [", of what was saved", [
          ...[rows(1), states(), weight(3), gates(4), rows(1)] as const,
          ...[rows(4), rows(1)] as const,
        ]],
      ]),
  },
};
