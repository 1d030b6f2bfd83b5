import { int32 } from "@flambeau/core";
import { expect, test } from "vitest";
import { describeGpu, device, expectFused, expectSame, integers, noise, results } from "./test_support.ts";

const close = { rtol: 1e-5, atol: 1e-6 };

describeGpu("rows", () => {
  for (const name of ["softmax", "logSoftmax"] as const) {
    test(`${name}: every dim, strides, long rows, infinities`, async () => {
      const x = { values: noise(60, 1, 5), shape: [3, 4, 5] };
      for (const dim of [0, 1, 2]) await expectFused(name, [x], { dim }, close);
      await expectFused(name, [{ ...x, strides: [1, 15, 3], offset: 2 }], { dim: 1 }, {
        ...close,
        layouts: [{ strides: [20, 1, 4], offset: 3 }],
      });
      await expectFused(name, [{ values: noise(2000, 3, 50), shape: [2, 1000] }], { dim: 1 }, close);
      const odd = [Infinity, 1, -Infinity, -Infinity, 0, -Infinity, NaN, 1, 200, -200];
      await expectFused(name, [{ values: odd, shape: [5, 2] }], { dim: 1 }, close);
      await expectFused(name, [x], { dim: 2 }, { ...close, inPlace: 0 });
    });
    test(`${name}Backward: as the decomposition`, async () => {
      const y = { values: noise(60, 1).map((v) => Math.abs(v)), shape: [3, 4, 5], strides: [1, 3, 12] };
      for (const dim of [0, 2]) {
        await expectFused(`${name}Backward`, [{ values: noise(60, 2), shape: [3, 4, 5] }, y], { dim }, close);
      }
    });
  }
  test("softmax: many short rows, and rows side by side in memory", async () => {
    for (const name of ["softmax", "logSoftmax"] as const) {
      const many = { values: noise(500 * 10, 1, 5), shape: [500, 10] };
      await expectFused(name, [many], { dim: 1 }, close);
      await expectFused(name, [many], { dim: 1 }, { ...close, inPlace: 0 });
      await expectFused(name, [many], { dim: 0 }, close);
      const image = { values: noise(2 * 19 * 35, 2, 5), shape: [2, 19, 5, 7] };
      await expectFused(name, [image], { dim: 1 }, close);
      await expectFused(`${name}Backward`, [image, { ...image, values: noise(1330, 4) }], { dim: 1 }, close);
      await expectFused(name, [{ ...many, shape: [500, 2, 5], strides: [1, 500, 1000] }], { dim: 2 }, close);
      await expectFused(name, [{ values: noise(40), shape: [40, 1] }], { dim: 1 }, close);
    }
  });
  test("layerNorm: values, mean, rstd, and gradients", async () => {
    for (const [rows, length] of [[5, 7], [3, 300], [130, 16], [1, 5000]]) {
      const x = { values: noise(rows! * length!, 1, 3), shape: [rows!, length!] };
      const [w, b] = [{ values: noise(length!, 2), shape: [length!] }, {
        values: noise(length!, 3),
        shape: [length!],
      }];
      await expectFused("layerNorm", [x, w, b], { eps: 1e-5 }, { rtol: 1e-4, atol: 1e-5 });
      const mean = { values: noise(rows!, 5), shape: [rows!, 1] };
      const rstd = { values: noise(rows!, 6).map((v) => Math.abs(v) + 0.1), shape: [rows!, 1] };
      const g = { values: noise(rows! * length!, 4), shape: [rows!, length!] };
      await expectFused("layerNormBackward", [g, x, w, mean, rstd], null, { rtol: 1e-4, atol: 1e-4 });
    }
  });
  test("batchNorm: values, statistics and gradients, in one part and in several, over strides", async () => {
    for (const shape of [[6, 3], [4, 5, 7], [3, 2, 40, 90], [1, 300, 4], [2, 1, 6000]]) {
      const [n, c] = [shape.reduce((a, b) => a * b, 1), shape[1]!];
      const x = { values: noise(n, 1, 3).map((v) => v + 10), shape };
      const [w, b] = [{ values: noise(c, 2), shape: [c] }, { values: noise(c, 3), shape: [c] }];
      const tolerance = { rtol: 1e-4, atol: 2e-5 };
      await expectFused("batchNorm", [x, w, b], { eps: 1e-5 }, tolerance);
      const mean = { values: new Array(c).fill(10), shape: [c] };
      const rstd = { values: noise(c, 6).map((v) => Math.abs(v) + 0.1), shape: [c] };
      const g = { values: noise(n, 4), shape };
      await expectFused("batchNormBackward", [g, x, w, mean, rstd], null, { rtol: 1e-4, atol: 1e-3 });
    }
    const turned = { values: noise(84, 1), shape: [2, 3, 14], strides: [1, 28, 2], offset: 3 };
    const [w, b] = [{ values: noise(3, 2), shape: [3], strides: [2] }, { values: noise(3, 3), shape: [3] }];
    await expectFused("batchNorm", [turned, w, b], { eps: 0.1 }, {
      ...close,
      layouts: [{ strides: [3, 1, 6], offset: 2 }],
    });
  });
  test("nllLoss: both reductions, weights, ignored rows, none that counts, strides", async () => {
    for (const reduction of ["mean", "sum"] as const) {
      for (const rows of [1, 7, 1000]) {
        const logp = { values: noise(rows * 5, 1, 3), shape: [rows, 5], strides: [1, rows] };
        const target = { values: integers(rows, 0, 4, 2), shape: [rows], dtype: int32 };
        const weight = { values: noise(5, 3).map(Math.abs), shape: [5] };
        for (const ignoreIndex of [-100, 2]) {
          await expectFused("nllLoss", [logp, target, weight], { reduction, ignoreIndex }, {
            rtol: 2e-5,
            atol: 1e-5,
          });
        }
      }
      const none = [{ values: [1, NaN, 3, 4], shape: [2, 2] }, {
        values: [-1, -1],
        shape: [2],
        dtype: int32,
      }, { values: [1, 0], shape: [2] }];
      await expectFused("nllLoss", none, { reduction, ignoreIndex: -1 }, close);
    }
    const bad = { values: [0, 5], shape: [2], dtype: int32 };
    const logp = { values: noise(10), shape: [2, 5] };
    await expect(
      results(device, "nllLoss", [logp, bad, { values: noise(5), shape: [5] }], {
        reduction: "mean",
        ignoreIndex: -100,
      }),
    ).rejects.toThrow("Cannot nllLoss 5 classes: targets must be in the range [0, 4] or -100, got 5");
    await device.sync();
  });
  test("crossEntropy and its gradient: rows along and beside one another, strides, weights, smoothing", async () => {
    const shapes = [[7, 5], [1, 1000], [500, 3], [2, 19, 5, 9], [3, 2, 40]];
    for (const [k, shape] of shapes.entries()) {
      const [n, classes] = [shape.reduce((a, b) => a * b, 1), shape[1]!];
      const rows = [shape[0]!, ...shape.slice(2)];
      const count = n / classes;
      const x = { values: noise(n, 1, 5), shape };
      const target = { values: integers(count, 0, classes - 1, 2), shape: rows, dtype: int32 };
      const weight = { values: noise(classes, 3).map(Math.abs), shape: [classes] };
      const stats = [noise(count, 4).map((v) => v + 5), noise(count, 5).map(Math.abs)].map((values) => ({
        values,
        shape: rows,
      }));
      for (const reduction of ["mean", "sum", "none"] as const) {
        const attrs = { reduction, ignoreIndex: classes > 2 ? 1 : -1, smoothing: k % 2 === 0 ? 0.2 : 0 };
        const scores = k === 1 ? [x, target, weight] : [x, target];
        await expectFused("crossEntropy", scores, attrs, { rtol: 2e-5, atol: 2e-5 });
        const g = {
          values: noise(reduction === "none" ? count : 1, 6),
          shape: reduction === "none" ? rows : [],
        };
        const gradient = [g, x, target, ...stats, { values: [3], shape: [] }];
        const given = k === 1 ? [...gradient, weight] : gradient;
        await expectFused("crossEntropyBackward", given, attrs, close);
        await expectFused("crossEntropyBackward", given, attrs, { ...close, inPlace: 1 });
      }
    }
    const turned = { values: noise(35, 1, 5), shape: [7, 5], strides: [1, 9], offset: 2 };
    const target = { values: integers(7, 0, 4, 2), shape: [7], strides: [2], dtype: int32 };
    const weight = { values: noise(5, 3).map(Math.abs), shape: [5], strides: [3] };
    const attrs = { reduction: "mean", ignoreIndex: -100, smoothing: 0 } as const;
    await expectFused("crossEntropy", [turned, target, weight], attrs, { rtol: 2e-5, atol: 2e-5 });
  });
  test("crossEntropy: scores that are not finite, and a target that is no class", async () => {
    const rows = [1e4, 1, -1e4, -Infinity, 0, 2, Infinity, 1, 2, NaN, 1, 2, -Infinity, -Infinity, -Infinity];
    const x = { values: rows, shape: [5, 3] };
    for (const at of [0, 2]) {
      const target = { values: [at, at, at, at, at], shape: [5], dtype: int32 };
      for (const smoothing of [0, 0.5]) {
        const attrs = { reduction: "none", ignoreIndex: -1, smoothing } as const;
        await expectFused("crossEntropy", [x, target], attrs, close);
        const stats = [[1e4, 2, Infinity, NaN, -Infinity], [0, 0.1269, NaN, NaN, NaN]].map((values) => ({
          values,
          shape: [5],
        }));
        const g = { values: noise(5), shape: [5] };
        for (const ignoreIndex of [-1, at]) {
          const inputs = [g, x, target, ...stats, { values: [0], shape: [] }];
          await expectFused("crossEntropyBackward", inputs, { ...attrs, ignoreIndex }, close);
        }
      }
    }
    const bad = { values: [0, 5], shape: [2], dtype: int32 };
    for (const reduction of ["mean", "none"] as const) {
      await expect(
        results(device, "crossEntropy", [{ values: noise(10), shape: [2, 5] }, bad], {
          ...{ reduction, ignoreIndex: -100, smoothing: 0 },
        }),
      ).rejects.toThrow("Cannot crossEntropy 5 classes: targets must be in the range [0, 4] or -100, got 5");
    }
    await device.sync();
  });
  test("scans: short and long lines, both extremes with places, strides, NaN", async () => {
    for (const shape of [[3, 5], [2, 200]]) {
      const n = shape[0]! * shape[1]!;
      const x = { values: noise(n), shape };
      for (const dim of [0, 1]) {
        await expectSame("cumsum", [x], { dim }, { rtol: 1e-5, atol: 1e-5 });
        await expectSame("cumprod", [x], { dim }, { rtol: 1e-5, atol: 1e-30 });
        await expectSame("logcumsumexp", [x], { dim }, { rtol: 1e-5, atol: 1e-6 });
        await expectSame("cummax", [x], { dim });
        await expectSame("cummin", [{ ...x, strides: [1, shape[0]!] }], { dim });
        const ints = { values: integers(n, -3, 3), shape, dtype: int32 };
        await expectSame("cumsum", [ints], { dim });
        await expectSame("cummax", [ints], { dim });
      }
      await expectSame("cumsum", [x], { dim: 1 }, { inPlace: 0, rtol: 1e-5, atol: 1e-5 });
    }
    const odd = { values: [1, NaN, 3, -Infinity, NaN, 2, -Infinity, -Infinity, 0], shape: [9] };
    for (const name of ["cummax", "cummin", "cumsum", "logcumsumexp"] as const) {
      await expectSame(name, [odd], { dim: 0 }, { rtol: 1e-6, atol: 0 });
    }
  });
  test("optimizer steps: as their decompositions", async () => {
    const [p, g, m, v] = [1, 2, 3, 4].map((seed) => ({
      values: noise(37, seed).map((x) => seed === 4 ? x * x : x),
      shape: [37],
    }));
    for (const weightDecay of [0, 0.1]) {
      for (const maximize of [false, true]) {
        for (const decoupled of [false, true]) {
          const attrs = {
            lr: 0.01,
            beta1: 0.9,
            beta2: 0.99,
            eps: 1e-8,
            weightDecay,
            decoupled,
            maximize,
            step: 3,
          };
          await expectFused("adamStep", [p!, g!, m!, v!], attrs, close);
        }
        for (const nesterov of [false, true]) {
          for (const momentum of nesterov ? [0.9] : [0, 0.9]) {
            const dampening = nesterov ? 0 : 0.1;
            await expectFused("sgdStep", [p!, g!, m!], {
              lr: 0.1,
              momentum,
              dampening,
              weightDecay,
              nesterov,
              maximize,
            }, close);
          }
        }
      }
    }
    await expectFused("sgdStep", [p!, g!, m!], {
      lr: 0.1,
      momentum: 0.9,
      dampening: 0,
      weightDecay: 0.1,
      nesterov: false,
      maximize: false,
    }, { ...close, inPlace: 0 });
  });
  test("activations: as their decompositions", async () => {
    const x = { values: [...noise(50, 1, 6), 0, -0, Infinity, NaN, 1e10, -1e10], shape: [56] };
    const g = { values: noise(56, 2), shape: [56] };
    for (const approximate of ["none", "tanh"] as const) {
      await expectFused("gelu", [{ ...x, values: noise(56, 1, 6) }], { approximate }, {
        rtol: 1e-5,
        atol: 1e-6,
      });
      await expectFused("geluBackward", [g, { ...x, values: noise(56, 1, 6) }], { approximate }, {
        rtol: 1e-5,
        atol: 1e-6,
      });
    }
    await expectFused("silu", [{ ...x, values: noise(56, 1, 6) }], null, close);
    await expectFused("reluBackward", [g, x], null, close);
    await expectFused("clamp", [x], { min: -1, max: 2 }, close);
    await expectFused("clamp", [x], { min: null, max: 2 }, close);
    await expectFused("clamp", [{ values: integers(56, -9, 9), shape: [56], dtype: int32 }], {
      min: -1,
      max: null,
    }, close);
    await expectFused("addScaled", [x, g], { alpha: 2.5 }, close);
  });
});
