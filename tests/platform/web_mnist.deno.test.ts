/**
 * The example page `docs/examples/web-mnist`, in Chromium, as a visitor uses it.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { build } from "../../docs/examples/web-mnist/build.ts";
import { type Digits, packDigits, PIXELS, unpackDigits } from "../../docs/examples/web-mnist/digits.ts";
import { type FolderServer, serveFolder } from "../../docs/examples/web-mnist/serve.ts";
import { launch, noChromium, watch } from "./chromium.ts";
import { temporaryFolder } from "./processes.ts";

/** How long the page may take to show something: a slow machine may need a while, no machine this long. */
const WAIT = { timeout: 60_000 };

type Point = readonly [x: number, y: number];

/** Strokes of a digit, in shares of the pad. */
const SEVEN: readonly Point[] = [[0.28, 0.22], [0.5, 0.21], [0.72, 0.2], [0.62, 0.42], [0.52, 0.62], [
  0.45,
  0.84,
]];
const ONE: readonly Point[] = [[0.52, 0.16], [0.51, 0.4], [0.5, 0.62], [0.49, 0.86]];

describe.skipIf(noChromium !== null)(`web-mnist ${noChromium ?? ""}`, () => {
  const folder = temporaryFolder();
  let browser: Browser;
  let server: FolderServer;

  beforeAll(async () => {
    await build(folder);
    server = await serveFolder(folder, 0);
    browser = await launch();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  /** Opens the page, with all that goes wrong in it. */
  async function open(
    options: Parameters<Browser["newContext"]>[0] = {},
    before: (page: Page) => Promise<unknown> = () => Promise.resolve(),
    query = "",
  ): Promise<{ page: Page; problems: string[] }> {
    const page = await (await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options }))
      .newPage();
    page.setDefaultTimeout(20_000);
    const problems = watch(page);
    await before(page);
    await page.goto(server.url + query);
    return { page, problems };
  }

  const textOf = async (page: Page, selector: string): Promise<string> =>
    (await page.textContent(selector))!.trim();
  const numberOf = async (page: Page, selector: string): Promise<number> =>
    parseFloat((await textOf(page, selector)).replace(",", ""));

  /** Waits until the first number in an element is such and such. */
  async function waitFor(
    page: Page,
    selector: string,
    comparison: "above" | "below",
    limit: number,
  ): Promise<void> {
    await page.waitForFunction(
      ({ selector, comparison, limit }) => {
        const value = parseFloat(document.querySelector(selector)!.textContent!.replace(",", ""));
        return comparison === "above" ? value > limit : value < limit;
      },
      { selector, comparison, limit },
      { timeout: 120_000 },
    );
  }

  async function draw(page: Page, [first, ...others]: readonly Point[]): Promise<void> {
    await page.locator("#pad").scrollIntoViewIfNeeded();
    const { x, y, width, height } = (await page.locator("#pad").boundingBox())!;
    const at = ([px, py]: Point): [number, number] => [x + px * width, y + py * height];
    await page.mouse.move(...at(first!));
    await page.mouse.down();
    for (const point of others) await page.mouse.move(...at(point), { steps: 4 });
    await page.mouse.up();
  }

  test("trains, pauses, goes on, reads what is drawn, and forgets", { timeout: 300_000 }, async () => {
    const { page, problems } = await open();
    await page.click("#train:enabled");
    await waitFor(page, "#loss", "above", 1.5);
    await waitFor(page, "#loss", "below", 0.6);
    await waitFor(page, "#accuracy", "above", 92);
    expect(await numberOf(page, "#speed")).toBeGreaterThan(0);

    // A page that is free answers within frames, also while it learns.
    const frames = await page.evaluate(() =>
      new Promise<number>((resolve) => {
        const start = performance.now();
        let count = 0;
        requestAnimationFrame(function next(now) {
          count++;
          if (now - start < 1000) requestAnimationFrame(next);
          else resolve(count);
        });
      })
    );
    expect(frames).toBeGreaterThan(5);

    await draw(page, SEVEN);
    await expect.poll(() => textOf(page, "#digit"), WAIT).toBe("7");
    expect(await textOf(page, "#bars .best .percent")).toMatch(/^[0-9.]+ %$/);

    await page.click("#train");
    await expect.poll(() => textOf(page, "#status"), WAIT).toBe("Paused");
    const epoch = await textOf(page, "#epoch");
    const loss = await textOf(page, "#loss");
    await page.waitForTimeout(400);
    expect([await textOf(page, "#epoch"), await textOf(page, "#loss")]).toEqual([epoch, loss]);

    await page.click("#clear");
    await expect.poll(() => textOf(page, "#digit"), WAIT).toBe("?");
    await draw(page, ONE);
    await expect.poll(() => textOf(page, "#digit"), WAIT).toBe("1");
    // The plot shows lines, not only its grid: pixels of a color that is no grey.
    const colored = await page.evaluate(() => {
      const plot = document.querySelector<HTMLCanvasElement>("#plot")!;
      const { data } = plot.getContext("2d")!.getImageData(0, 0, plot.width, plot.height);
      let count = 0;
      for (let i = 0; i < data.length; i += 4) count += Number(Math.abs(data[i]! - data[i + 2]!) > 60);
      return count;
    });
    expect(colored).toBeGreaterThan(200);

    expect(await textOf(page, "#train")).toBe("Continue");
    await page.click("#train");
    await expect.poll(() => textOf(page, "#status"), WAIT).toContain("Learning");
    await page.click("#reset");
    await expect.poll(() => textOf(page, "#status"), WAIT).toBe("Ready");
    await waitFor(page, "#accuracy", "below", 60);
    expect(await textOf(page, "#loss")).toBe("–");
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("fits on a phone, where a finger draws", { timeout: 60_000 }, async () => {
    const { page, problems } = await open({
      viewport: { width: 360, height: 740 },
      colorScheme: "dark",
      hasTouch: true,
      isMobile: true,
    });
    await page.waitForSelector("#train:enabled");
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);

    await page.locator("#pad").scrollIntoViewIfNeeded();
    const { x, y, width, height } = (await page.locator("#pad").boundingBox())!;
    const client = await page.context().newCDPSession(page);
    const touch = (type: "touchStart" | "touchMove" | "touchEnd", at: readonly Point[]): Promise<unknown> =>
      client.send("Input.dispatchTouchEvent", {
        type,
        touchPoints: at.map(([px, py]) => ({ x: x + px * width, y: y + py * height })),
      });
    const scroll = await page.evaluate(() => scrollY);
    await touch("touchStart", [ONE[0]!]);
    for (const point of ONE.slice(1)) await touch("touchMove", [point]);
    await touch("touchEnd", []);
    await expect.poll(() => textOf(page, "#digit"), WAIT).toMatch(/^[0-9]$/);
    expect(await page.evaluate(() => scrollY)).toBe(scroll);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("computes on the GPU when that is asked for", { timeout: 180_000 }, async (context) => {
    const { train, test } = unpackDigits(gunzipSync(readFileSync(join(folder, "digits.bin"))));
    const first = ({ images, labels }: Digits, count: number): Digits => ({
      images: images.subarray(0, count * PIXELS),
      labels: labels.subarray(0, count),
    });
    // Few digits: without a real GPU, a program plays one, slowly.
    const few = gzipSync(packDigits({ train: first(train, 64), test: first(test, 10) }));
    const { page, problems } = await open(
      {},
      (page) => page.route("**/digits.bin", (route) => route.fulfill({ body: few })),
      "?device=webgpu",
    );
    const adapter = await page.evaluate(async () =>
      await (navigator as { gpu?: { requestAdapter(): Promise<unknown> } }).gpu?.requestAdapter() != null
    );
    if (!adapter) context.skip("this Chromium has no WebGPU");
    await page.waitForSelector("#train:enabled");
    expect(await textOf(page, "#about")).toContain("WebGPU");
    await waitFor(page, "#accuracy", "above", -1);
    await page.click("#example");
    await expect.poll(() => textOf(page, "#digit"), WAIT).toMatch(/^[0-9]$/);
    const shares = await page.locator("#bars .percent").allTextContents();
    expect(shares.reduce((sum, text) => sum + parseFloat(text), 0)).toBeCloseTo(100, 0);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("says what is wrong when the digits or the worker cannot be loaded", { timeout: 60_000 }, async () => {
    for (
      const [file, message] of [
        ["digits.bin", /^Cannot load the digits: the server answers 404/],
        ["worker.js", /^The worker could not be started/],
      ] as const
    ) {
      const { page } = await open(
        {},
        (page) => page.route(`**/${file}`, (route) => route.fulfill({ status: 404 })),
      );
      await page.waitForSelector("#error:visible");
      expect(await textOf(page, "#error-text")).toMatch(message);
      expect(await page.isDisabled("#train")).toBe(true);
      await page.unroute(`**/${file}`);
      await page.click("#retry");
      await page.waitForSelector("#train:enabled");
      expect(await page.isVisible("#error")).toBe(false);
      await page.context().close();
    }
  });
});
