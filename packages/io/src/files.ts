/**
 * Files and addresses as sources of bytes. Nothing is touched until a function here is called.
 *
 * The file system is Node's `node:fs/promises`, which Deno has too; in Deno the caller's permissions apply. Where there is
 * none, as in browsers, a path is an address to fetch.
 *
 * @module
 */

import { FormatError, NotImplementedError } from "@flambeau/core";
import { refuse } from "./refuse.ts";

/** Bytes that can be read piece by piece. */
export interface Source {
  /** How messages call it. */
  readonly name: string;
  /** Number of bytes. */
  readonly size: number;
  /** The bytes from `begin` to `end`; both lie within the size. */
  read(begin: number, end: number): Promise<Uint8Array>;
  /** Ends the use. */
  close(): Promise<void>;
}

/**
 * What can be loaded: a path, an address (`http:`, `https:`, `file:`, `data:`, `blob:`), bytes, a `Blob` such as a `File`,
 * or the `Response` of a `fetch` with headers of one's own.
 */
export type LoadSource = string | URL | Uint8Array | ArrayBuffer | Blob | Response;

interface FileHandle {
  stat(): Promise<{ size: number; isFile(): boolean }>;
  read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesRead: number }>;
  write(buffer: Uint8Array, offset: number, length: number): Promise<{ bytesWritten: number }>;
  close(): Promise<void>;
}

interface FileSystem {
  open(path: string | URL, flags: string): Promise<FileHandle>;
  rename(from: string, to: string): Promise<void>;
  rm(path: string): Promise<void>;
}

interface HostProcess {
  getBuiltinModule?(name: string): unknown;
  readonly versions?: { readonly node?: string };
}

/** The file system of the runtime, or null where there is none. */
async function fileSystem(): Promise<FileSystem | null> {
  const host = (globalThis as { process?: HostProcess }).process;
  if (host?.versions?.node === undefined) return null;
  const name = "node:fs/promises"; // as a variable: bundlers for browsers must not look for it
  return (host.getBuiltinModule?.(name) ?? await import(/* @vite-ignore */ name)) as FileSystem;
}

/**
 * Opens what a user passes to `load`.
 *
 * @throws {FormatError} If it is none of the accepted kinds, or the address does not answer with success. Errors of
 * the file system pass through: they name the path.
 */
export async function openSource(source: LoadSource): Promise<Source> {
  if (source instanceof Uint8Array) return fromBytes("bytes", source);
  if (source instanceof ArrayBuffer) return fromBytes("bytes", new Uint8Array(source));
  if (typeof Blob !== "undefined" && source instanceof Blob) return fromBlob(source);
  if (typeof Response !== "undefined" && source instanceof Response) {
    return await fromResponse(source.url === "" ? "a Response" : JSON.stringify(source.url), source);
  }
  if (typeof source !== "string" && !(source instanceof URL)) {
    throw new FormatError(
      `Cannot load ${
        source === null ? "null" : typeof source
      }: it must be a path, an address, bytes, a Blob or a Response, got none of them`,
    );
  }
  const text = String(source);
  const name = JSON.stringify(text.startsWith("data:") ? `${text.slice(0, 24)}…` : text);
  if (!/^(?:https?|data|blob):/.test(text)) {
    const fs = await fileSystem();
    if (fs !== null) return await fromFile(fs, name, text.startsWith("file:") ? new URL(text) : text);
  }
  return await fromResponse(name, await fetch(text));
}

function fromBytes(name: string, bytes: Uint8Array): Source {
  return {
    name,
    size: bytes.length,
    read: (begin, end) => Promise.resolve(bytes.subarray(begin, end)),
    close: () => Promise.resolve(),
  };
}

function fromBlob(blob: Blob): Source {
  const { name } = blob as Partial<File>;
  return {
    name: name === undefined ? "a Blob" : JSON.stringify(name),
    size: blob.size,
    read: async (begin, end) => new Uint8Array(await blob.slice(begin, end).arrayBuffer()),
    close: () => Promise.resolve(),
  };
}

async function fromResponse(name: string, response: Response): Promise<Source> {
  if (!response.ok) {
    await response.body?.cancel();
    refuse(
      name,
      `the address must answer with success, got status ${response.status} ${response.statusText}`,
    );
  }
  return fromBytes(name, new Uint8Array(await response.arrayBuffer()));
}

async function fromFile(fs: FileSystem, name: string, path: string | URL): Promise<Source> {
  const handle = await fs.open(path, "r");
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) refuse(name, "it must be a file, got a folder or a device");
    return { name, size: stat.size, read: readFrom(handle, name), close: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function readFrom(handle: FileHandle, name: string): Source["read"] {
  return async (begin, end) => {
    const out = new Uint8Array(end - begin);
    for (let at = 0; at < out.length;) {
      const { bytesRead } = await handle.read(out, at, out.length - at, begin + at);
      if (bytesRead === 0) refuse(name, `the file became shorter while it was read, at byte ${begin + at}`);
      at += bytesRead;
    }
    return out;
  };
}

/**
 * Writes a file piece by piece. It appears under its name only when it is complete: an interrupted write leaves what was
 * there before.
 *
 * @throws {NotImplementedError} If the runtime has no file system. Errors of the file system pass through.
 */
export async function writeFile(path: string | URL, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const fs = await fileSystem();
  if (fs === null) {
    throw new NotImplementedError(
      `Cannot save to ${
        JSON.stringify(String(path))
      }: there is no file system here, call save without a path to get bytes`,
    );
  }
  const target = String(path).startsWith("file:") ? fromFileAddress(new URL(path)) : String(path);
  const unfinished = `${target}.unfinished`;
  const handle = await fs.open(unfinished, "w");
  try {
    for await (const piece of pieces) {
      for (let at = 0; at < piece.length;) {
        at += (await handle.write(piece, at, piece.length - at)).bytesWritten;
      }
    }
    await handle.close();
    await fs.rename(unfinished, target);
  } catch (error) {
    await handle.close().catch(() => {}); // closed already when it was the rename that failed
    await fs.rm(unfinished).catch(() => {}); // the first error says more
    throw error;
  }
}

/** The path in a `file:` address. */
function fromFileAddress(address: URL): string {
  const path = decodeURIComponent(address.pathname);
  return /^\/[A-Za-z]:/.test(path) ? path.slice(1) : path;
}

/** All pieces in one array. */
export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece);
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
