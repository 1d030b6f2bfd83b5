/**
 * What a worker of the pool runs, as plain JavaScript: bundlers leave a string alone, and no file has to be fetched.
 *
 * A worker instantiates the same module over the same memory and then looks at one word, the ticket: who raises its low
 * byte from i to i + 1 by compare-and-exchange owns part i of the job. Parts lie in slots; see `threads.ts`.
 *
 * @module
 */

/** Word of the job: generation, number of parts, next part. */
export const TICKET = 24576;
/** Word that counts the parts that workers have finished. */
export const DONE = 24640;
/** Word that counts workers that sleep. */
export const SLEEPERS = 24704;
/** Word that says how many threads take part; worker i does when i is less. */
export const ACTIVE = 24768;
/** Word that counts workers that could not begin. */
export const FAILED = 28992;
/** Words of working memory, one for each worker, a cache line apart. */
export const SCRATCH = 24832;
/** Most threads of a pool. */
export const MAX_THREADS = 64;
/** Where the slots of parts begin, and their size. */
export const SLOTS = 32768;
/** Bytes of a slot: function, number of arguments, result, arguments as float64; then sizes and steps. */
export const SLOT = 512;
/** Where sizes and steps lie in a slot. */
export const SLOT_META = 256;
/** Most parts of a job. */
export const MAX_PARTS = 64;

/** Looks at the ticket before a worker sleeps: about 50 µs. */
const SPINS = 10000;

/** `run({ module, memory, index, rolled })`, which never returns. */
const RUN = `
function run(job) {
  const words = new Int32Array(job.memory.buffer, 0, 16384);
  try {
    work(job, words);
  } catch {
    Atomics.add(words, ${FAILED / 4}, 1);
  }
}
function work(job, words) {
  const floats = new Float64Array(job.memory.buffer, 0, 8192);
  const table = new WebAssembly.Table({ initial: 1, element: "anyfunc" });
  const { exports } = new WebAssembly.Instance(job.module, { env: { memory: job.memory, table } });
  exports.set_rolled(job.rolled);
  const functions = Object.values(exports).filter((value) => typeof value === "function");
  table.grow(functions.length);
  functions.forEach((fn, i) => table.set(i + 1, fn));
  const index = job.index, place = ${SCRATCH / 4} + index * 16;
  let scratch = 0, seen = Atomics.load(words, ${TICKET / 4});
  for (;;) {
    const ticket = Atomics.load(words, ${TICKET / 4}), part = ticket & 255;
    if (part < ((ticket >> 8) & 255) && index < Atomics.load(words, ${ACTIVE / 4})) {
      if (Atomics.compareExchange(words, ${TICKET / 4}, ticket, ticket + 1) !== ticket) continue;
      const at = ${SLOTS / 8} + part * ${SLOT / 8};
      let result = NaN;
      try {
        if (scratch !== words[place]) exports.set_scratch(scratch = words[place]);
        const list = [];
        for (let i = 0; i < floats[at + 1]; i++) list.push(floats[at + 3 + i]);
        result = functions[floats[at]](...list);
      } catch {}
      floats[at + 2] = result === undefined ? -1 : result;
      Atomics.add(words, ${DONE / 4}, 1);
      Atomics.notify(words, ${DONE / 4});
      continue;
    }
    seen = ticket;
    let spins = ${SPINS};
    while (Atomics.load(words, ${TICKET / 4}) === seen && --spins > 0);
    if (spins > 0) continue;
    Atomics.add(words, ${SLEEPERS / 4}, 1);
    Atomics.wait(words, ${TICKET / 4}, seen);
    Atomics.sub(words, ${SLEEPERS / 4}, 1);
  }
}
`;

/** What a worker needs to begin. */
export interface WorkerStart {
  /** The compiled kernels. */
  readonly module: WebAssembly.Module;
  /** The shared memory. */
  readonly memory: WebAssembly.Memory;
  /** Its number: 1 for the first. */
  readonly index: number;
  /** Which kernels of products it runs, as the calling thread. */
  readonly rolled: boolean;
}

interface NodeWorker {
  unref(): void;
  postMessage(value: unknown): void;
  on(event: "error" | "exit", listener: (reason: unknown) => void): void;
}
interface WorkerThreads {
  readonly Worker: new (code: string, options: { eval: boolean }) => NodeWorker;
}

/** A module that Deno, Node and Bun bring along; undefined in browsers. Bundlers see no import. */
function builtin(name: string): unknown {
  const host = (globalThis as {
    process?: { getBuiltinModule?: (name: string) => unknown };
  }).process;
  return host?.getBuiltinModule?.(name);
}

function workerThreads(): WorkerThreads | undefined {
  return builtin("node:worker_threads") as WorkerThreads | undefined;
}

/** Threads that the machine runs at once. Node has no `navigator` before version 21. */
export function concurrency(): number {
  const { navigator } = globalThis as { navigator?: { hardwareConcurrency?: number } };
  if (navigator?.hardwareConcurrency !== undefined) return navigator.hardwareConcurrency;
  return (builtin("node:os") as { availableParallelism?: () => number } | undefined)
    ?.availableParallelism?.() ?? 1;
}

/** True where memory can be shared with workers: Deno, Node, Bun, and pages that are cross-origin isolated. */
export function canShareMemory(): boolean {
  if (typeof SharedArrayBuffer !== "function") return false;
  return (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true ||
    workerThreads() !== undefined;
}

/**
 * Starts a worker. It does not keep the process alive.
 *
 * @param failed Called when it cannot start or ends.
 */
export function startWorker(start: WorkerStart, failed: (reason: unknown) => void): void {
  const threads = workerThreads();
  if (threads !== undefined) {
    const code = `${RUN}process.getBuiltinModule("node:worker_threads").parentPort.once("message", run);`;
    const worker = new threads.Worker(code, { eval: true });
    worker.on("error", failed);
    worker.unref();
    worker.postMessage(start);
    return;
  }
  const url = URL.createObjectURL(
    new Blob([`${RUN}onmessage = (event) => run(event.data);`], { type: "text/javascript" }),
  );
  const worker = new Worker(url, { type: "module" });
  worker.onerror = failed;
  worker.postMessage(start);
}
