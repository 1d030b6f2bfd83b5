/**
 * One algorithm for both kinds of closures: written as a generator that asks for what has to be waited for, and driven at
 * once or asynchronously.
 *
 * @module
 */

import { ArgumentTypeError, DeviceError } from "@flambeau/core";
import { enableGrad, noGrad, Tensor } from "@flambeau/tensor";

/** Something to wait for: a call of the closure, or the value of a tensor of one element. */
export type Request = { readonly call: () => unknown } | { readonly read: Tensor };

/** An algorithm that asks for things. It must be advanced by {@linkcode runTask} only. */
export type Task<R> = Generator<Request, R, unknown>;

/**
 * Runs an algorithm. It is without recording, calls of the closure are with it. As long as no call gives a promise all is
 * done at once; from the first promise on the result is a promise.
 *
 * @param op What is done, for messages.
 * @throws {DeviceError} If a value cannot be read at once and no call gave a promise.
 */
export function runTask<R>(op: string, task: Task<R>): R | Promise<R> {
  let turn = noGrad(() => task.next());
  while (turn.done !== true) {
    const request = turn.value;
    const answer = attempt(() => "read" in request ? readAtOnce(op, request.read) : enableGrad(request.call));
    if ("value" in answer && answer.value instanceof Promise) return runLater(task, answer.value);
    turn = advance(task, answer);
  }
  return turn.value;
}

async function runLater<R>(task: Task<R>, first: Promise<unknown>): Promise<R> {
  let pending = first;
  for (;;) {
    const answer = await pending.then((value) => ({ value }), (error) => ({ error }));
    const turn = advance(task, answer);
    if (turn.done === true) return turn.value;
    const request = turn.value;
    pending = (async () => await ("read" in request ? request.read.item() : enableGrad(request.call)))();
  }
}

/** What came of a request: errors go into the algorithm too, so that it gives back what it holds. */
type Answer = { readonly value: unknown } | { readonly error: unknown };

function attempt(body: () => unknown): Answer {
  try {
    return { value: body() };
  } catch (error) {
    return { error };
  }
}

function advance<R>(task: Task<R>, answer: Answer): IteratorResult<Request, R> {
  return noGrad(() => "error" in answer ? task.throw(answer.error) : task.next(answer.value));
}

function readAtOnce(op: string, x: Tensor): number {
  if (x.backend.canReadSync) return x.itemSync();
  throw new DeviceError(
    `Cannot ${op} on ${x.device} at once: the closure must be asynchronous, and step() awaited`,
  );
}

/** Asks for the value of a tensor of one element, which is freed afterwards. */
export function* readOnce(x: Tensor): Task<number> {
  try {
    return Number(yield { read: x });
  } finally {
    x.dispose();
  }
}

/** Calls a closure that computes a loss, and gives what it returned and its value. */
export function* callClosure(op: string, closure: () => unknown): Task<{ result: unknown; loss: number }> {
  const result = yield { call: closure };
  if (result instanceof Tensor) return { result, loss: Number(yield { read: result }) };
  if (typeof result === "number") return { result, loss: result };
  throw new ArgumentTypeError(
    `Cannot ${op}: the closure must return the loss, a Tensor or a number, got ${typeof result}`,
  );
}
