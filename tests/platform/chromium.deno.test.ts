/**
 * Chromium: one bundled file runs in a page and in a worker, with and without shared memory, under a strict policy.
 *
 * @module
 */

import type { Browser } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundle } from "./bundle.ts";
import { launch, noChromium, watch } from "./chromium.ts";
import { expectSameOutcome } from "./outcome.ts";
import type { Outcome } from "./program.ts";
import { ISOLATION, type Resource, serve } from "./server.ts";

const JS = "text/javascript";
const PAGE: Resource = {
  type: "text/html",
  body:
    `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>`,
};
/** What the library needs of a content security policy: compiling WASM, and workers made of text. */
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; img-src data:";

interface Seen {
  readonly isolated: boolean;
  /** Threads that the machine runs at once. */
  readonly concurrency: number;
  readonly outcome: Outcome;
}

describe.skipIf(noChromium !== null)(`chromium ${noChromium ?? ""}`, () => {
  let browser: Browser;
  let program: string;
  beforeAll(async () => {
    browser = await launch();
    program = await bundle({ source: `export { run } from "./program.ts";` });
  }, 60_000);
  afterAll(() => browser?.close());

  async function open(
    resources: Record<string, Resource>,
    headers: Record<string, string>,
    policy: Record<string, string> = {},
  ): Promise<Outcome> {
    const all = { "/": PAGE, "/program.js": { type: JS, body: program }, ...resources };
    const server = await serve(all, { ...headers, ...policy });
    const page = await browser.newPage();
    try {
      const problems = watch(page);
      await page.goto(server.url);
      const seen = await page.waitForFunction(() => (globalThis as { seen?: unknown }).seen, null, {
        timeout: 30_000,
      }).then((handle) => handle.jsonValue()).catch((error) => {
        throw new Error([...problems, String(error)].join("\n"));
      });
      expect(problems).toEqual([]);
      const { isolated, concurrency, outcome } = seen as Seen;
      expect(isolated).toBe(headers === ISOLATION);
      expect(outcome.threads).toBe(isolated ? Math.min(8, concurrency) : 1);
      return outcome;
    } finally {
      await page.close();
      await server.close();
    }
  }

  const inPage = `
    import { run } from "/program.js";
    globalThis.seen = { isolated: crossOriginIsolated, concurrency: navigator.hardwareConcurrency, outcome: await run() };`;
  const inWorker = `
    const worker = new Worker("/worker.js", { type: "module" });
    worker.onerror = (event) => console.error(event.message);
    worker.onmessage = ({ data }) => globalThis.seen = data;`;
  const worker = `
    import { run } from "/program.js";
    postMessage({ isolated: crossOriginIsolated, concurrency: navigator.hardwareConcurrency, outcome: await run() });`;

  for (const [name, headers] of [["isolated", ISOLATION], ["not isolated", {}]] as const) {
    test(`a page, ${name}`, async () => {
      const outcome = await open({ "/page.js": { type: JS, body: inPage } }, headers);
      await expectSameOutcome(outcome);
    });

    test(`a worker, ${name}`, async () => {
      const resources = {
        "/page.js": { type: JS, body: inWorker },
        "/worker.js": { type: JS, body: worker },
      };
      const outcome = await open(resources, headers);
      await expectSameOutcome(outcome);
    });

    test(`a strict content security policy, ${name}`, async () => {
      const resources = { "/page.js": { type: JS, body: inPage } };
      await expectSameOutcome(await open(resources, headers, { "Content-Security-Policy": POLICY }));
    });
  }
});
