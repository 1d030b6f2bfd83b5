// Shared measuring harness for the JavaScript peers. A peer script calls
//   await runPeer({ name, kinds: { [kind]: async (w) => ({ run, check, perRun?, end? }) } })
// run():   one iteration (may be async). check(): one number that says what was computed.
// perRun:  how many operations one run() stands for (op overhead loops); times are divided by it.
import { readFileSync } from "node:fs";
import process from "node:process";

export function allWorkloads() {
  const j = JSON.parse(readFileSync(new URL("./workloads.json", import.meta.url), "utf8"));
  return Object.entries(j.groups).flatMap(([g, ws]) => ws.map((w) => ({ ...w, group: g })));
}

// Deterministic, hash-based uniform values in [-0.5, 0.5) * scale; the same formula is in torch_cpu.py.
export function fill(n, seed, scale = 1) {
  const out = new Float32Array(n);
  const base = Math.imul(seed, 0x9e3779b1);
  for (let i = 0; i < n; i++) {
    let x = (Math.imul(i, 0x85ebca77) + base) | 0;
    x ^= x >>> 16;
    x = Math.imul(x, 0x85ebca6b);
    x ^= x >>> 13;
    x = Math.imul(x, 0xc2b2ae35);
    x ^= x >>> 16;
    out[i] = ((x >>> 0) / 4294967296 - 0.5) * scale;
  }
  return out;
}
export const uniformInit = (shapeSize, fanIn, seed) => fill(shapeSize, seed, 2 / Math.sqrt(fanIn));
export function tokens(n, seed, vocab) {
  const f = fill(n, seed);
  const out = new Int32Array(n);
  for (let i = 0; i < n; i++) out[i] = Math.min(vocab - 1, Math.floor((f[i] + 0.5) * vocab));
  return out;
}
export const labels10 = (n) => Int32Array.from({ length: n }, (_, i) => i % 10);
export function meanAbs(a) {
  let s = 0;
  for (let i = 0; i < a.length; i++) s += Math.abs(Number(a[i]));
  return s / a.length;
}

function args() {
  const o = { budget: 400, min: 3, max: 300, slow: 12000, ids: null };
  for (const a of process.argv.slice(2)) {
    const m = a.match(/^--([a-z]+)=(.*)$/);
    if (!m) continue;
    o[m[1]] = m[1] === "ids" ? m[2].split(",") : isNaN(+m[2]) ? m[2] : +m[2];
  }
  return o;
}
export const opts = args();

export async function runPeer({ name, kinds, skip = {} }) {
  const todo = allWorkloads().filter((w) => !opts.ids || opts.ids.includes(w.id));
  const emit = (o) => console.log("@@" + JSON.stringify(o));
  for (const w of todo) {
    const make = kinds[w.kind];
    if (!make) {
      emit({ id: w.id, unsupported: "no adapter: the library does not offer it" });
      continue;
    }
    if (skip[w.id]) {
      emit({ id: w.id, unsupported: skip[w.id] });
      continue;
    }
    let c;
    try {
      c = await make(w);
      let t = performance.now();
      await c.run();
      const first = performance.now() - t;
      const check = c.check ? Number(await c.check()) : null;
      const per = c.perRun ?? 1;
      const ms = [];
      if (first > opts.slow) ms.push(first / per);
      else {
        // warm-up: at least 0.15 s (JIT tiers), then samples; very short runs are grouped into one sample
        const warmEnd = performance.now() + Math.min(150, opts.budget / 2);
        let one = first, k = 0;
        do {
          t = performance.now();
          await c.run();
          one = performance.now() - t;
          k++;
        } while (performance.now() < warmEnd && k < 2000);
        const group = Math.max(1, Math.min(5000, Math.ceil(0.4 / Math.max(one, 1e-5))));
        const end = performance.now() + opts.budget;
        while ((ms.length < opts.min || performance.now() < end) && ms.length < opts.max) {
          t = performance.now();
          for (let g = 0; g < group; g++) await c.run();
          ms.push((performance.now() - t) / group / per);
          if (ms.length >= 1 && ms[0] * per > opts.slow / 4) break;
        }
      }
      emit({ id: w.id, ms: ms.map((x) => +x.toPrecision(5)), check, first: +first.toPrecision(4) });
    } catch (e) {
      emit({ id: w.id, unsupported: String(e?.message ?? e).slice(0, 300) });
    }
    try {
      await c?.end?.();
    } catch { /* the next workload starts fresh */ }
  }
  emit({ done: name });
  process.exit(0);
}
