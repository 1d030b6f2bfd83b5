import { DeviceError, DeviceLostError, OutOfMemoryError } from "@flambeau/core";
import { expect, test } from "vitest";
import { Reader } from "./reader.ts";
import type { Memory } from "./memory.ts";
import { type Pipeline, Recorder } from "./recorder.ts";

// What drivers do wrong, played by an object: real ones cannot be made to fail at a wish.

/** A driver that computes nothing and fails as it is told. */
class FakeDevice {
  /** Messages of the errors that the calls to come make, by the kind of scope that sees them. */
  readonly errors: { kind: GPUErrorFilter; message: string }[] = [];
  readonly calls: string[] = [];
  readonly scopes: { kind: GPUErrorFilter; message: string | null }[] = [];
  /** What maps a buffer. */
  map: (size: number) => Promise<undefined> = () => Promise.resolve(undefined);
  lose!: (info: { message: string; reason: string }) => void;
  readonly lost = new Promise((resolve) => this.lose = resolve);
  uncaptured!: (event: unknown) => void;
  readonly queue = {
    submit: () => this.calls.push("submit"),
    writeBuffer: () => {},
    onSubmittedWorkDone: () => new Promise(() => {}), // never
  };
  pop: () => Promise<unknown> = () => {
    const { message } = this.scopes.pop()!;
    return Promise.resolve(message === null ? null : { message: `\n${message} ` });
  };

  addEventListener(_: string, listener: (event: unknown) => void): void {
    this.uncaptured = listener;
  }
  pushErrorScope(kind: GPUErrorFilter): void {
    this.scopes.push({ kind, message: null });
  }
  popErrorScope(): Promise<unknown> {
    return this.pop();
  }
  /** Hands the next error, if one is due, to the innermost scope of its kind. */
  #fail(): void {
    const error = this.errors.shift();
    const scope = this.scopes.findLast(({ kind }) => kind === error?.kind);
    if (scope !== undefined) scope.message ??= error!.message;
  }
  createBuffer({ size }: { size: number }): unknown {
    if (size !== 256) this.#fail(); // not the ring
    return {
      size,
      mapAsync: () => this.map(size),
      getMappedRange: () => new ArrayBuffer(size),
      unmap: () => {},
      destroy: () => this.calls.push("destroy"),
    };
  }
  createShaderModule(): unknown {
    this.#fail();
    return {};
  }
  createComputePipeline = (): unknown => ({});
  createBindGroupLayout = (): unknown => ({});
  createPipelineLayout = (): unknown => ({});
  createBindGroup = (): unknown => ({});
  createCommandEncoder(): unknown {
    return {
      beginComputePass: () => ({
        setPipeline: () => {},
        setBindGroup: () => {},
        dispatchWorkgroups: () => this.#fail(),
        end: () => {},
      }),
      copyBufferToBuffer: () => {},
      clearBuffer: () => {},
      finish: () => this.calls.push("finish"),
    };
  }
}

function fake(): { gpu: FakeDevice; recorder: Recorder } {
  const gpu = new FakeDevice();
  return { gpu, recorder: new Recorder(gpu as unknown as GPUDevice, 1) };
}

const compile = (recorder: Recorder, op: string): Pipeline => recorder.pipeline(op, [], op, () => "");
const dispatch = (recorder: Recorder, op: string): void =>
  recorder.dispatch(op, compile(recorder, op), [], new Uint32Array(1), [1, 1, 1]);
const memoryOf = (recorder: Recorder): Memory => ({
  id: 1,
  gpu: recorder.createStorage(512),
  capacity: 512,
  epoch: 0,
  failed: false,
});

test.each(["validation", "internal"] as const)(
  "a shader that fails (%s) is an error with the name of the step, at each use",
  async (kind) => {
    const { gpu, recorder } = fake();
    for (let time = 0; time < 2; time++) {
      gpu.errors.push({ kind, message: "no such type" });
      compile(recorder, "softmax");
      const thrown = await recorder.settle("read").catch((error) => error);
      expect(thrown).toBeInstanceOf(DeviceError);
      expect(thrown.message).toBe("Cannot softmax on webgpu: its shader must compile, got no such type");
    }
    await recorder.settle("read");
    compile(recorder, "softmax"); // this time it compiles
    compile(recorder, "softmax");
    await recorder.settle("read");
    expect(recorder.counters.pipelines).toBe(3);
  },
);

test("memory that the driver does not have is an error with its size, and is marked", async () => {
  const { gpu, recorder } = fake();
  let failed = false;
  gpu.errors.push({ kind: "out-of-memory", message: "no space" });
  recorder.createStorage(4096, () => failed = true);
  const thrown = await recorder.settle("read").catch((error) => error);
  expect(thrown).toBeInstanceOf(OutOfMemoryError);
  expect(thrown).toMatchObject({ bytes: 4096, message: "Cannot allocate 4096 bytes on webgpu: no space" });
  expect(failed).toBe(true);
});

test("of several errors the first is thrown, and tells of the others; then there are none", async () => {
  const { gpu, recorder } = fake();
  gpu.errors.push({ kind: "out-of-memory", message: "no space" });
  recorder.createStorage(512);
  compile(recorder, "add");
  gpu.errors.push({ kind: "validation", message: "buffer is invalid" });
  dispatch(recorder, "add");
  recorder.flush();
  const thrown = await recorder.settle("read").catch((error) => error);
  expect(thrown).toBeInstanceOf(OutOfMemoryError);
  expect(thrown.message).toBe(
    "Cannot allocate 512 bytes on webgpu: no space; 1 more: Cannot add on webgpu: buffer is invalid",
  );
  await recorder.settle("read");
});

test("an error outside of all scopes reaches the next wait, and not the console", async () => {
  const { gpu, recorder } = fake();
  let prevented = false;
  gpu.uncaptured({ error: { message: "lost its way" }, preventDefault: () => prevented = true });
  expect(prevented).toBe(true);
  await expect(recorder.settle("read")).rejects.toThrow("Cannot go on on webgpu: lost its way");
  await recorder.settle("read");
});

test("a window without commands is not finished", () => {
  const { gpu, recorder } = fake();
  recorder.flush();
  expect(() => recorder.copy(memoryOf(recorder), 0, null as unknown as GPUBuffer, 0, 4)).not.toThrow();
  recorder.flush();
  expect(gpu.calls).toEqual(["finish", "submit"]);
});

test("at a loss all that waits rejects, and later calls say what to do", async () => {
  const { gpu, recorder } = fake();
  const reader = await Reader.create(recorder, false);
  const reasons: string[] = [];
  recorder.onLost = (reason) => reasons.push(reason);
  gpu.map = () => new Promise(() => {}); // as if it waited for the GPU forever
  const reads = [0, 4].map((byteOffset) =>
    reader.read([{ memory: memoryOf(recorder), byteOffset, bytes: 4 }], null).catch((error) => error)
  );
  const done = recorder.until("synchronize", gpu.queue.onSubmittedWorkDone()).catch((error) => error);
  gpu.pop = () => new Promise(() => {});
  dispatch(recorder, "exp");
  recorder.flush();
  const settled = recorder.settle("read").catch((error) => error);
  gpu.lose({ message: "", reason: "unknown" });
  for (const error of await Promise.all([...reads, done, settled])) {
    expect(error).toBeInstanceOf(DeviceLostError);
    expect(error.message).toMatch("the device must be there, got lost (unknown); recover() makes a new one");
  }
  expect(reasons).toEqual(["unknown"]);
  await expect(recorder.until("read", Promise.resolve(1))).rejects.toThrow(DeviceLostError);
  await expect(recorder.until("read", Promise.reject(new Error("no")))).rejects.toThrow(DeviceLostError);
  await expect(recorder.settle("read")).rejects.toThrow(DeviceLostError);
  expect(() => recorder.checkAlive("allocate memory")).toThrow("Cannot allocate memory on webgpu");
  recorder.lose("again");
  expect(reasons).toEqual(["unknown"]);
});

test("a mapping that fails shortly before the loss is told is a loss", async () => {
  const { gpu, recorder } = fake();
  const reader = await Reader.create(recorder, false);
  gpu.map = () => Promise.reject(new Error("AbortError"));
  const read = reader.read([{ memory: memoryOf(recorder), byteOffset: 0, bytes: 4 }], null);
  setTimeout(() => gpu.lose({ message: "the driver went away", reason: "unknown" }), 5);
  await expect(read).rejects.toThrow("got lost (the driver went away)");
});

test("a mapping that fails without a loss says why: by the error of its memory, else in its own words", async () => {
  const { gpu, recorder } = fake();
  const reader = await Reader.create(recorder, false);
  const memory = memoryOf(recorder);
  await recorder.settle("start");
  gpu.map = () => Promise.reject(new Error("cannot map"));
  gpu.errors.push({ kind: "out-of-memory", message: "no space" });
  await expect(reader.read([{ memory, byteOffset: 0, bytes: 4 }], null)).rejects.toThrow(OutOfMemoryError);
  const thrown = await reader.read([{ memory, byteOffset: 0, bytes: 4 }], null).catch((error) => error);
  expect(thrown).toBeInstanceOf(DeviceError);
  expect(thrown).not.toBeInstanceOf(DeviceLostError);
  expect(thrown.message).toBe("Cannot read a tensor on webgpu: cannot map");
});

test("a device that is lost while it starts is an error", async () => {
  const { gpu, recorder } = fake();
  gpu.map = () => new Promise(() => {});
  const made = Reader.create(recorder, true);
  gpu.lose({ message: "too early", reason: "unknown" });
  await expect(made).rejects.toThrow(
    "Cannot start on webgpu: the device must be there, got lost (too early)",
  );
});
