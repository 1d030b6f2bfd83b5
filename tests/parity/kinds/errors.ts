/**
 * Kind `errors`: calls that must throw, before anything is changed.
 *
 * @module
 */

import { Mismatch } from "../compare.ts";
import { type Context, describe, expectInputs, Inputs, type Notes } from "../context.ts";
import { callArguments, indexItems, type Sources } from "../decode.ts";
import type { Case, Json } from "../fixtures.ts";
import type { Library } from "../library.ts";
import { invoke, isMethod, member, memberName, Missing } from "../names.ts";

/** What PyTorch throws. */
export interface ExpectedError {
  readonly type: string;
  readonly message: string;
  readonly mentions?: readonly string[];
}

interface ErrorCase extends Case {
  readonly call: string;
  readonly args: readonly Json[];
  readonly kwargs?: Readonly<Record<string, Json>>;
  readonly error: ExpectedError;
}

/**
 * Python's exception → the classes that stand for it. A shape or a dtype that does not fit has a class of its own here,
 * whichever exception PyTorch uses for it; `RuntimeError` is PyTorch's word for everything.
 */
const CLASSES: Readonly<Record<string, readonly string[] | "any">> = {
  RuntimeError: "any",
  IndexError: ["IndexError", "ShapeError"],
  ValueError: ["ValueError", "ShapeError", "DTypeError", "GradError", "IndexError"],
  TypeError: ["ArgumentTypeError", "DTypeError", "ValueError", "ShapeError"],
  NotImplementedError: ["NotImplementedError", "ValueError", "ShapeError", "DTypeError"],
  AssertionError: ["ValueError", "ShapeError", "IndexError", "ArgumentTypeError"],
  KeyError: ["ValueError", "IndexError"],
};

/** Errors that say the library cannot do something that it should refuse: not an answer to a wrong argument. */
const NO_ANSWER: ReadonlySet<string> = new Set(["NotImplementedError", "DisposedError", "OutOfMemoryError"]);

/** Runs a case of kind `errors`. */
export async function runError(context: Context, testCase: Case): Promise<Notes> {
  const { call, args, kwargs, error } = testCase as ErrorCase;
  const inputs = new Inputs(context, testCase);
  const sources: Sources = { library: context.library, tensor: (name) => inputs.get(name) };
  const notes = await expectThrow(
    context.library,
    error,
    prepare(context.library, call, args, kwargs, sources),
  );
  await expectInputs(context, testCase, inputs);
  return notes;
}

/** The call with its arguments ready, so that what it throws is its own. */
function prepare(
  library: Library,
  call: string,
  args: readonly Json[],
  kwargs: Readonly<Record<string, Json>> | undefined,
  sources: Sources,
): () => unknown {
  const name = memberName(call);
  const indexing = name === "index" || name === "setIndex";
  const values = callArguments(indexing ? [args[0]!, ...args.slice(2)] : args, kwargs, sources);
  if (!isMethod(call)) {
    const f = library.function(call);
    return () => f(...values);
  }
  const [self, ...rest] = values;
  if (member(self, name) === undefined) throw new Missing(`Tensor.${name}`);
  if (!indexing) return () => invoke(self, name, ...rest);
  const items = indexItems(args[1]!, sources);
  return () => name === "index" ? invoke(self, name, ...items) : invoke(self, name, items, ...rest);
}

/**
 * Throws unless `action` throws an error of the library that stands for PyTorch's; where kernels report indices out of
 * range (PyTorch's asserts on CUDA), reading the result may throw it.
 */
export async function expectThrow(
  library: Library,
  want: ExpectedError,
  action: () => unknown,
): Promise<Notes> {
  let result: unknown;
  try {
    result = await action();
    if (reportsLater(result)) await result.data();
  } catch (error) {
    return judge(library, want, error);
  }
  throw new Mismatch(`must throw (${want.message}), gave ${describe(result)}`);
}

/** True for a tensor of a device whose kernels report at the next read. */
function reportsLater(result: unknown): result is { data(): Promise<unknown> } {
  return (result as { backend?: { reportsIndices?: boolean } } | null | undefined)?.backend
    ?.reportsIndices === true;
}

function judge(library: Library, want: ExpectedError, error: unknown): Notes {
  const TorchError = member(library.torch, "TorchError");
  if (typeof TorchError !== "function") throw new Missing("torch.TorchError");
  if (!(error instanceof TorchError)) throw error;
  const { name, message } = error as Error;
  const allowed = CLASSES[want.type] ?? "any";
  if (allowed === "any" ? NO_ANSWER.has(name) : !allowed.includes(name)) {
    throw new Mismatch(
      `must throw what stands for ${want.type} (${want.message}), threw ${name}: ${message}`,
    );
  }
  return { mentions: countMentions(want.mentions ?? [], message), message };
}

/** How many of PyTorch's numbers and shapes a message has: a soft measure of how much it tells. */
export function countMentions(mentions: readonly string[], message: string): readonly [number, number] {
  const found = mentions.filter((mention) => {
    const text = mention.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    // A number must not be part of a longer one; a shape may follow the name of its dtype.
    return new RegExp(mention.startsWith("[") ? text : `(?<![\\w.-])${text}(?!\\w|\\.\\d)`).test(message);
  });
  return [found.length, mentions.length];
}
