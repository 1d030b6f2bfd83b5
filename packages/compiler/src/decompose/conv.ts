/**
 * Convolution and its gradients as matrix products over windows, for any number of spatial dimensions.
 *
 * N batch, G groups, C = G·c input channels, O = G·o output channels, K taps, L windows, P places of the input.
 *
 * @module
 */

import { convOutputSize } from "@flambeau/core";
import { type Decomposition, Formula, product, range } from "./formula.ts";
import { gradientWindows, windows } from "./windows.ts";

/** Cross-correlation: x [N, C, …], weight [O, c, …] → [N, O, …]. */
export const conv: Decomposition<"conv"> = (bind, [x, weight], attrs) => {
  const f = new Formula(bind);
  const [n, , ...size] = x.shape as [number, number, ...number[]];
  const [o, c, ...kernelSize] = weight.shape as [number, number, ...number[]];
  const { stride, padding, dilation, groups } = attrs;
  const geometry = { kernelSize, stride, padding, dilation };
  const outSize = size.map((s, i) =>
    convOutputSize(s, kernelSize[i]!, stride[i]!, padding[i]!, dilation[i]!)
  );
  const taps = c * product(kernelSize);
  const columns = f.reshape(windows(f, x, geometry, outSize, 0), [n, groups, taps, product(outSize)]);
  const rows = f.reshape(weight, [groups, o / groups, taps]);
  return f.view(f.matmul(rows, columns), [n, o, ...outSize]); // (G, o, c·K) (N, G, c·K, L) → (N, G, o, L)
};

/** Gradient of conv for its input: g [N, O, …], weight [O, c, …] → [N, C, …inputSize]; places no window reaches get 0. */
export const convInputGrad: Decomposition<"convInputGrad"> = (bind, [g, weight], attrs) => {
  const f = new Formula(bind);
  const { groups, inputSize } = attrs;
  const [n, o] = g.shape as [number, number];
  const [, c, ...kernelSize] = weight.shape as [number, number, ...number[]];
  const taps = product(kernelSize);
  const received = gradientWindows(f, g, { ...attrs, kernelSize }, inputSize);
  const columns = f.reshape(received, [n, groups, (o / groups) * taps, product(inputSize)]);
  const reversed = bind("flip", [weight], { dims: range(2, weight.shape.length) });
  const rows = f.reshape(
    f.permute(f.view(reversed, [groups, o / groups, c, taps]), [0, 2, 1, 3]),
    [groups, c, (o / groups) * taps],
  );
  return f.view(f.matmul(rows, columns), [n, groups * c, ...inputSize]); // (G, c, o·K) (N, G, o·K, P) → (N, G, c, P)
};

/** Gradient of conv for its weight: g [N, O, …], x [N, C, …] → [O, c, …kernelSize]. */
export const convWeightGrad: Decomposition<"convWeightGrad"> = (bind, [g, x], attrs) => {
  const f = new Formula(bind);
  const { groups, kernelSize } = attrs;
  const [n, o, ...outSize] = g.shape as [number, number, ...number[]];
  const c = x.shape[1]! / groups;
  const spatial = outSize.length;
  const taps = c * product(kernelSize);
  const summed = n * product(outSize);
  const seen = windows(f, x, attrs, outSize, 0); // (N, C, K…, O…)
  const byTap = f.permute(seen, [1, ...range(2, 2 + spatial), 0, ...range(2 + spatial, 2 + 2 * spatial)]);
  const columns = f.transpose(f.reshape(byTap, [groups, taps, summed]));
  const byChannel = f.permute(g, [1, 0, ...range(2, 2 + spatial)]);
  const rows = f.reshape(byChannel, [groups, o / groups, summed]);
  return f.view(f.matmul(rows, columns), [o, c, ...kernelSize]); // (G, o, N·L) (G, N·L, c·K) → (G, o, c·K)
};
