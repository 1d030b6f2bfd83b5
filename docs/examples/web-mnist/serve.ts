/**
 * Serves a folder on this machine, with the headers that let a page compute on several threads.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".bin": "application/octet-stream",
};

/** A server that runs. */
export interface FolderServer {
  /** Where the page is. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves the files of a folder to this machine only.
 *
 * @param port 0 takes one that is free.
 * @throws {Error} If the port is taken.
 */
export async function serveFolder(folder: string, port: number): Promise<FolderServer> {
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url!, "http://localhost").pathname));
    const name = path.endsWith("/") ? `${path}index.html` : path;
    const body = await readFile(join(folder, name)).catch(() => null);
    response.writeHead(body === null ? 404 : 200, {
      "Content-Type": TYPES[extname(name)] ?? "text/plain",
      "Content-Length": body?.length ?? 0,
      "Cache-Control": "no-cache",
      // Without these two a browser does not let a page share memory with its workers.
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
    });
    response.end(body);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
