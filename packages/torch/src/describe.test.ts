import { isWebGpuAvailable, type WebGpuBackend, type WebGpuFacts } from "@flambeau/kernels-webgpu";
import { afterEach, expect, test } from "vitest";
import * as torch from "../mod.ts";

const available = await isWebGpuAvailable();
afterEach(() => torch.setDefaultDevice("cpu"));

const of = (name: string): torch.backends.BackendDescription =>
  torch.backends.describe().backends.find((backend) => backend.name === name)!;

/** Runs `body` as if the adapter were another. */
async function withFacts(facts: Partial<WebGpuFacts>, body: () => void): Promise<void> {
  await torch.enableWebGpu();
  const backend = torch.backendOf("webgpu") as WebGpuBackend & { facts: WebGpuFacts };
  const before = backend.facts;
  backend.facts = { ...before, ...facts };
  try {
    body();
  } finally {
    backend.facts = before;
  }
}

test("describe: before anybody has asked for a GPU, and without asking for it", () => {
  const report = torch.backends.describe();
  expect(report.backends.map(({ name }) => name)).toEqual(["webgpu", "cpu", "reference"]);
  expect(report).toMatchObject({ auto: "cpu", default: "cpu" });
  expect(of("webgpu")).toMatchObject({ isRegistered: false, isChosen: false, facts: {}, memory: null });
  expect(of("webgpu").reason).toContain("nobody has asked for it: await torch.enableWebGpu()");
  expect(of("cpu")).toMatchObject({ isRegistered: true, isChosen: true });
  expect(of("cpu").facts).toMatchObject({ threads: torch.getNumThreads() });
  expect(String(of("cpu").facts["build"])).toMatch(/^(relaxed )?SIMD(, shared memory)?$/);
  expect(of("reference")).toMatchObject({ isRegistered: true, isChosen: false });
  expect(torch.device("auto").type).toBe("cpu");
});

test("describe: says why there are not more threads", () => {
  const before = torch.getNumThreads();
  torch.setNumThreads(1);
  const { threads, whyNotMoreThreads } = of("cpu").facts;
  torch.setNumThreads(before);
  expect(threads).toBe(1);
  if (before > 1) {
    expect(whyNotMoreThreads).toMatch(/^the machine runs \d+ at once; torch.setNumThreads\(\) takes more$/);
  } else expect(whyNotMoreThreads).toMatch(/one at once|cross-origin|no workers|not shared/);
  if (before > 1) expect(of("cpu").facts["whyNotMoreThreads"]).toMatch(/^the machine runs \d+ at once/);
});

test("describe: as text", async () => {
  await torch.backends.probe();
  const lines = String(torch.backends.describe()).split("\n");
  expect(lines[0]).toMatch(/^device "auto": (cpu|webgpu), default: cpu$/);
  expect(lines.filter((line) => !line.startsWith(" ")).map((line) => line.split(":")[0])).toEqual(
    ['device "auto"', "webgpu", "cpu", "reference"],
  );
  expect(lines.find((line) => line.startsWith("cpu: "))).toMatch(/^cpu: (chosen|there); /);
  expect(lines.some((line) => /^ {2}threads: \d+$/.test(line))).toBe(true);
  expect(lines.some((line) => /^ {2}memory: [\d.]+ MiB in use, [\d.]+ MiB taken$/.test(line))).toBe(true);
  if (available) {
    expect(lines.some((line) => line.startsWith("  adapter: "))).toBe(true);
    expect(lines.some((line) => /^ {2}has float16: (yes|no)$/.test(line))).toBe(true);
    expect(lines.some((line) => /^ {2}max binding: \d+(\.\d)? MiB$/.test(line))).toBe(true);
  }
});

test.skipIf(available)("probe: without WebGPU the report says so", async () => {
  const report = await torch.backends.probe();
  expect(report.auto).toBe("cpu");
  expect(of("webgpu").reason).toMatch(/this runtime has (no WebGPU|WebGPU, and no adapter)/);
});

test.skipIf(!available)("auto: no GPU that a program plays, and none with small limits", async () => {
  await withFacts({ isFallback: true, adapter: "llvmpipe" }, () => {
    expect(torch.device("auto").type).toBe("cpu");
    expect(of("webgpu")).toMatchObject({ isRegistered: true, isChosen: false });
    expect(of("webgpu").reason).toBe(
      'its adapter, llvmpipe, computes on the CPU; there the device "cpu" is faster',
    );
    expect(of("cpu").reason).toContain("there is no better device");
  });
  await withFacts({ isFallback: false, maxBindingBytes: 2 ** 26 }, () => {
    expect(torch.device("auto").type).toBe("cpu");
    expect(of("webgpu").reason).toContain("got 64 MiB");
  });
});

test.skipIf(!available)("auto: a GPU, wherever a device can be named", async () => {
  await withFacts({ isFallback: false }, () => {
    expect(torch.backends.describe()).toMatchObject({ auto: "webgpu", default: "cpu" });
    expect(of("cpu").reason).toBe('"webgpu" is there');
    expect(String(torch.device("auto"))).toBe("webgpu");
    expect(String(new torch.Device("auto"))).toBe("auto");
    expect(torch.zeros([1], { device: "auto" }).device.type).toBe("webgpu");
    expect(torch.zeros([1]).to("auto").device.type).toBe("webgpu");
    expect(torch.zeros([1]).to(new torch.Device("auto")).device.type).toBe("webgpu");
    expect(new torch.nn.Linear(1, 1).to("auto").weight.device.type).toBe("webgpu");
    torch.setDefaultDevice("auto");
    expect(torch.getDefaultDevice().type).toBe("webgpu");
    expect(torch.backends.describe().default).toBe("webgpu");
  });
});
