/**
 * A web server on this machine.
 *
 * @module
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What lies at a path. */
export interface Resource {
  readonly type: string;
  readonly body: string | Uint8Array;
}

/** A server that runs. */
export interface Server {
  /** Its address, without a slash at the end. */
  readonly url: string;
  close(): Promise<void>;
}

/** Headers that let a page share memory with its workers. */
export const ISOLATION: Readonly<Record<string, string>> = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** Serves resources by path on a free port of this machine. */
export async function serve(
  resources: Readonly<Record<string, Resource>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const server = createServer((request, response) => {
    const found = resources[new URL(request.url!, "http://localhost").pathname];
    response.writeHead(found === undefined ? 404 : 200, {
      "Content-Type": found?.type ?? "text/plain",
      "Cache-Control": "no-store",
      ...headers,
    });
    response.end(found?.body ?? "not found");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
