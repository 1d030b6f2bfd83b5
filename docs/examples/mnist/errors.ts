/**
 * What went wrong, in one line.
 *
 * @module
 */

import { TorchError } from "@flambeau/torch";
import { UsageError } from "./args.ts";
import { ImageError } from "./grey.ts";

/** A file that is not what the user took it for. */
export class InputError extends Error {}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is no folder",
  EACCES: "it may not be accessed",
  EEXIST: "it exists and is no folder",
};

/**
 * One line for an error that a user can do something about; null for any other, which deserves its stack.
 *
 * @param path What was being read or written, where the error does not say it.
 */
export function messageOf(error: unknown, path?: string): string | null {
  const { code, path: itsPath, message } = error as Error & { code?: unknown; path?: string };
  const subject = JSON.stringify(itsPath ?? path ?? "the file");
  if (typeof code === "string" && REASONS[code] !== undefined) {
    return `Cannot use ${subject}: ${REASONS[code]}`;
  }
  if (error instanceof ImageError) return `Cannot use ${subject}: ${message}`;
  if (error instanceof UsageError) return `${message} (see --help)`;
  const known = error instanceof InputError || error instanceof TorchError;
  return known ? message.replace(/\s*\n\s*/g, " ").trim() : null;
}
