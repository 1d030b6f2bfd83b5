import { describe, expect, test } from "vitest";
import { DisposedError, float32, OutOfMemoryError } from "@flambeau/core";
import { createReferenceBackend } from "@flambeau/reference";
import { collectGarbage } from "@flambeau/testing";
import { registerBackend, setDefaultDevice } from "./device.ts";
import { makeEmpty } from "./handle.ts";
import { breathe } from "./memory.ts";
import { fromData } from "./ops/data.ts";
import { keep, scope, temporaries } from "./temporaries.ts";
import type { Tensor } from "./tensor.ts";
import "./tensor.ts";

const backend = createReferenceBackend();
registerBackend(backend);
setDefaultDevice(backend);

const make = (n = 4): Tensor => fromData(new Float32Array(n).fill(1), [n], float32);
const live = (): number => backend.memory().liveBytes;

describe("dispose", () => {
  test("gives the memory back at once, and once", () => {
    const before = live();
    const x = make();
    expect(live() - before).toBe(16);
    x.dispose();
    x.dispose();
    expect(live()).toBe(before);
    expect(x.isDisposed).toBe(true);
  });

  test("use afterwards is an error in words, for views too", () => {
    const x = make();
    const view = x.view([2, 2]);
    x.dispose();
    expect(() => x.add(1)).toThrow(DisposedError);
    expect(() => view.dataSync()).toThrow(/float32\[4\]: its memory was given back/);
    expect(() => x.view([2, 2])).toThrow(DisposedError);
  });

  test("works through Symbol.dispose", () => {
    const before = live();
    {
      using x = make();
      expect(x.isDisposed).toBe(false);
    }
    expect(live()).toBe(before);
  });
});

describe("scope", () => {
  test("frees what is not returned", () => {
    const before = live();
    const y = scope(() => {
      const x = make();
      return x.add(x).add(1);
    });
    expect(Array.from(y.dataSync() as Float32Array)).toEqual([3, 3, 3, 3]);
    expect(live() - before).toBe(16);
    y.dispose();
  });

  test("keeps what is found in arrays, maps, sets and objects", () => {
    const kept = scope(() => ({
      a: [make()],
      b: new Map([["x", make()]]),
      c: new Set([make()]),
      d: { e: make() },
    }));
    const all = [kept.a[0]!, kept.b.get("x")!, ...kept.c, kept.d.e];
    expect(all.map((x) => x.isDisposed)).toEqual([false, false, false, false]);
    all.forEach((x) => x.dispose());
  });

  test("keeps what keep() took out, through nested scopes", () => {
    let kept: Tensor | null = null;
    let dropped: Tensor | null = null;
    scope(() => {
      scope(() => {
        kept = keep(make());
        dropped = make();
      });
      expect(dropped!.isDisposed).toBe(true);
    });
    expect(kept!.isDisposed).toBe(false);
    kept!.dispose();
  });

  test("a returned tensor lives until the outer scope ends", () => {
    let inner: Tensor | null = null;
    scope(() => {
      inner = scope(() => make().add(1));
      expect(inner.isDisposed).toBe(false);
    });
    expect(inner!.isDisposed).toBe(true);
  });

  test("a returned view keeps its base", () => {
    const view = scope(() => make().add(1).view([2, 2]));
    expect(view.toArraySync()).toEqual([[2, 2], [2, 2]]);
    view.dispose();
  });

  test("frees after an error", () => {
    const before = live();
    expect(() =>
      scope(() => {
        make();
        throw new Error("inside");
      })
    ).toThrow("inside");
    expect(live()).toBe(before);
  });

  test("waits for a promise", async () => {
    const before = live();
    const y = await scope(async () => {
      const x = make();
      await Promise.resolve();
      return x.add(1);
    });
    expect(y.isDisposed).toBe(false);
    expect(live() - before).toBe(16);
    y.dispose();
  });
});

describe("temporaries", () => {
  test("frees intermediates of compositions", () => {
    const before = live();
    const x = make();
    const y = temporaries(() => x.add(x).add(x).add(x));
    expect(live() - before).toBe(32);
    expect(y.dataSync()[0]).toBe(4);
    x.dispose();
    y.dispose();
  });
});

describe("dropped tensors", () => {
  test("are freed in a loop that lets the event loop turn", async () => {
    const before = live();
    let peak = 0;
    for (let i = 0; i < 1500; i++) {
      makeEmpty(backend, [1 << 18], float32); // 1 MiB
      await breathe();
      peak = Math.max(peak, live() - before);
    }
    // 1.5 GiB were made; the hint comes every 256 MiB.
    expect(peak).toBeLessThan(1100 * 2 ** 20);
  });
});

describe("tensors that are dropped after they left a scope", () => {
  const returned = (): void =>
    void scope(() => scope(() => [make(1000), temporaries(() => make(1000).add(1))]));
  const kept = (): void => void scope(() => void keep(make(1000)));
  const endless = (): void => {
    temporaries(() => {
      void scope(() => new Promise(() => make(1000)));
      return null;
    });
  };

  test.each([["by its result", returned], ["by keep()", kept], ["because it never ends", endless]])(
    "%s are freed",
    async (_, make) => {
      await collectGarbage(); // what tests before have left
      const before = live();
      for (let i = 0; i < 10; i++) make();
      expect(live() - before).toBeGreaterThanOrEqual(40_000);
      if (await collectGarbage()) expect(live()).toBe(before);
    },
  );
});

describe("loops that await nothing but reads", () => {
  test("let timers run", async () => {
    let fired = false;
    setTimeout(() => fired = true, 0);
    const x = make();
    const end = performance.now() + 2000;
    while (!fired && performance.now() < end) await x.data();
    expect(fired).toBe(true);
    x.dispose();
  });
});

describe("running out", () => {
  test("names the largest live tensors and the way out", () => {
    const small = {
      ...createReferenceBackend(),
      name: "small",
      kernels: backend.kernels,
      canReadSync: true,
      dtypes: backend.dtypes,
      allocate: (bytes: number) => {
        throw new OutOfMemoryError(`Cannot allocate ${bytes} bytes on small: 0 are left`, bytes);
      },
    };
    const held = make(1000);
    expect(() => makeEmpty(small as never, [10], float32)).toThrow(OutOfMemoryError);
    expect(() => makeEmpty(small as never, [10], float32)).toThrow(
      /largest live tensors are .*1 × float32\[1000\][\s\S]*scope/,
    );
    held.dispose();
  });
});
