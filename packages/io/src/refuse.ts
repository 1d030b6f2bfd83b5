/**
 * How this package refuses a file: one sentence that names the file, the place in it, and what must hold.
 *
 * @module
 */

import { FormatError } from "@flambeau/core";

const SHOWN_CHARACTERS = 80;

/** A name that comes from a file, quoted and short enough for a message. */
export function quote(name: string): string {
  return JSON.stringify(
    name.length > SHOWN_CHARACTERS ? `${name.slice(0, SHOWN_CHARACTERS)}… (${name.length} characters)` : name,
  );
}

/**
 * Refuses a file.
 *
 * @param file What is being loaded, as it stands after "Cannot load": `"net.safetensors"` in quotes, or a description.
 * @param why What must hold and what is, with the position or key.
 * @throws {FormatError} Always.
 */
export function refuse(file: string, why: string): never {
  throw new FormatError(`Cannot load ${file}: ${why}`);
}
