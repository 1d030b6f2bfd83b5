import { expect, test } from "vitest";
import { devices, empty, noise, operand, run, values } from "./test_support.ts";

const LENGTHS = [1, 3, 4, 5, 8, 9, 33];

function close(got: number[], want: number[]): void {
  got.forEach((v, i) =>
    expect(Math.abs(v - want[i]!)).toBeLessThanOrEqual(2e-6 * Math.max(1, Math.abs(want[i]!)))
  );
}

const data = (n: number, seed: number): number[] => Array.from(noise(n, seed));

test("sgdStep: momentum, dampening, decay, Nesterov, maximize, and in place", () => {
  const base = { lr: 0.1, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, maximize: false };
  for (
    const change of [{}, { momentum: 0.9 }, { momentum: 0.9, dampening: 0.3, weightDecay: 0.01 }, {
      momentum: 0.8,
      nesterov: true,
      maximize: true,
    }]
  ) {
    const attrs = { ...base, ...change };
    for (const n of LENGTHS) {
      const [p, g, b] = [data(n, 1), data(n, 2), data(n, 3)];
      const [np, nb] = [[], []] as number[][] as [number[], number[]];
      p.forEach((x, i) => {
        let d = (attrs.maximize ? -g[i]! : g[i]!) + attrs.weightDecay * x;
        nb[i] = b[i]!;
        if (attrs.momentum !== 0) {
          nb[i] = attrs.momentum * b[i]! + (1 - attrs.dampening) * d;
          d = attrs.nesterov ? d + attrs.momentum * nb[i]! : nb[i]!;
        }
        np[i] = x - attrs.lr * d;
      });
      for (const [, device] of devices) {
        const inputs = [operand(device, p, [n]), operand(device, g, [n]), operand(device, b, [n])] as const;
        const outs = [empty(device, [n]), empty(device, [n])] as const;
        expect(run(device, "sgdStep", inputs, outs, attrs)).toBe(true);
        close(values(device, outs[0]), np);
        close(values(device, outs[1]), nb);
        run(device, "sgdStep", inputs, [inputs[0], inputs[2]], attrs);
        close(values(device, inputs[0]), np);
        close(values(device, inputs[2]), nb);
      }
    }
  }
});

test("adamStep: Adam and AdamW, first and later steps, maximize, and in place", () => {
  const base = {
    lr: 0.01,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    weightDecay: 0,
    decoupled: false,
    maximize: false,
    step: 1,
  };
  for (
    const change of [{}, { weightDecay: 0.1, step: 7 }, {
      weightDecay: 0.1,
      decoupled: true,
      maximize: true,
      step: 1000,
    }]
  ) {
    const attrs = { ...base, ...change };
    for (const n of LENGTHS) {
      const [p, g, m, v] = [data(n, 1), data(n, 2), data(n, 3), data(n, 4).map(Math.abs)];
      const want = [[], [], []] as number[][] as [number[], number[], number[]];
      p.forEach((x, i) => {
        const d = (attrs.maximize ? -g[i]! : g[i]!) + (attrs.decoupled ? 0 : attrs.weightDecay * x);
        const a = attrs.beta1 * m[i]! + (1 - attrs.beta1) * d;
        const b = attrs.beta2 * v[i]! + (1 - attrs.beta2) * d * d;
        const shrunk = attrs.decoupled ? x * (1 - attrs.lr * attrs.weightDecay) : x;
        const root = Math.sqrt(b / (1 - attrs.beta2 ** attrs.step)) + attrs.eps;
        want[0].push(shrunk - attrs.lr * a / (1 - attrs.beta1 ** attrs.step) / root);
        want[1].push(a);
        want[2].push(b);
      });
      for (const [, device] of devices) {
        const inputs = [p, g, m, v].map((x) => operand(device, x, [n])) as unknown as Parameters<
          typeof run<"adamStep">
        >[2];
        const outs = [empty(device, [n]), empty(device, [n]), empty(device, [n])] as const;
        expect(run(device, "adamStep", inputs, outs, attrs)).toBe(true);
        outs.forEach((out, k) => close(values(device, out), want[k]!));
        run(device, "adamStep", inputs, [inputs[0], inputs[2], inputs[3]], attrs);
        close(values(device, inputs[0]), want[0]);
        close(values(device, inputs[3]), want[2]);
      }
    }
  }
});
