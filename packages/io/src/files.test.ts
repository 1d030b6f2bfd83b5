import { float32, FormatError } from "@flambeau/core";
import { data, type Tensor } from "@flambeau/tensor";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it, vi } from "vitest";
import { load, save, saveSafetensors } from "../mod.ts";
import { openSource } from "./files.ts";
import { make } from "./test_support.ts";

const folder = mkdtempSync(join(tmpdir(), "flambeau-io-"));
afterAll(() => rmSync(folder, { recursive: true }));

const tensors = { w: make([1, 2, 3], [3], float32) };
const w = async (loaded: Map<string, Tensor>) => await data(loaded.get("w")!);
const VALUES = Float32Array.of(1, 2, 3);

describe("save", () => {
  it("writes the same bytes that it gives without a path", async () => {
    const path = join(folder, "same.safetensors");
    await save(tensors, path);
    expect(new Uint8Array(readFileSync(path))).toEqual(await save(tensors));
    expect(await save(tensors)).toEqual(await saveSafetensors(tensors));
  });

  it("takes a file address with characters that addresses escape", async () => {
    const path = join(folder, "with space and ü.safetensors");
    await save(tensors, pathToFileURL(path));
    expect(await w(await load(path))).toEqual(VALUES);
  });

  it("leaves the old file and nothing else when a tensor cannot be read", async () => {
    const path = join(folder, "kept.safetensors");
    await save(tensors, path);
    const before = readFileSync(path);
    const gone = make([1], [1], float32);
    gone.dispose();
    await expect(save({ ...tensors, gone }, path)).rejects.toThrow("memory was given back");
    expect(readFileSync(path)).toEqual(before);
    expect(readdirSync(folder).filter((name) => name.includes("unfinished"))).toEqual([]);
  });

  it("a path that ends in .pt makes PyTorch's format, with any values", async () => {
    const path = join(folder, "checkpoint.pt");
    await save({ epoch: 3, model: tensors }, path);
    const checkpoint = await load<Map<string, unknown>>(path);
    expect(checkpoint.get("epoch")).toBe(3);
    expect(await w(checkpoint.get("model") as Map<string, Tensor>)).toEqual(VALUES);
    await expect(save({ epoch: 3 }, join(folder, "x.safetensors"))).rejects.toThrow(
      "a .pt file may hold other values",
    );
    await expect(save(tensors, path, { metadata: { a: "b" } })).rejects.toThrow(
      "only safetensors files have some",
    );
  });

  it("refuses names that promise a format that is not written", async () => {
    await expect(save(tensors, join(folder, "net.npy"))).rejects.toThrow(
      "the formats written are .safetensors and .pt, got .npy",
    );
  });

  it("says so where there is no file system", async () => {
    vi.stubGlobal("process", undefined);
    try {
      await expect(save(tensors, "x.safetensors")).rejects.toThrow("there is no file system here");
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

describe("load", () => {
  it("reads a path, a file address, bytes, an ArrayBuffer, a Blob, a Response and a data address", async () => {
    const path = join(folder, "net.safetensors");
    await save(tensors, path);
    const bytes = await save(tensors);
    const address = `data:application/octet-stream;base64,${Buffer.from(bytes).toString("base64")}`;
    const blob = new Blob([bytes as Uint8Array<ArrayBuffer>]);
    for (
      const source of [
        path,
        pathToFileURL(path),
        String(pathToFileURL(path)),
        bytes,
        bytes.slice().buffer as ArrayBuffer,
        blob,
        new Response(blob),
        address,
      ]
    ) expect(await w(await load(source))).toEqual(VALUES);
  });

  it("reads over HTTP, and names the address and the status when that fails", async () => {
    const bytes = await save(tensors);
    const server = createServer((request, response) => {
      response.writeHead(request.url === "/net.safetensors" ? 200 : 404).end(bytes);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      expect(await w(await load(`${base}/net.safetensors`))).toEqual(VALUES);
      expect(await w(await load(await fetch(`${base}/net.safetensors`)))).toEqual(VALUES);
      await expect(load(await fetch(`${base}/gone`))).rejects.toThrow(
        /Cannot load "http.*gone": .* status 404/,
      );
      await expect(load(new URL("/missing", base))).rejects.toThrow(
        /Cannot load "http.*missing": .* status 404/,
      );
    } finally {
      server.close();
    }
  });

  it("names the file in what it refuses", async () => {
    const path = join(folder, "broken.safetensors");
    writeFileSync(path, (await save(tensors)).subarray(0, -4));
    await expect(load(path)).rejects.toThrow(/^Cannot load ".*broken\.safetensors": tensor "w" ends at byte/);
    writeFileSync(path, "");
    await expect(load(path)).rejects.toThrow("got an empty file");
    await expect(load(new File(["<!doctype html>"], "page.html"))).rejects.toThrow(
      'Cannot load "page.html": it must be a safetensors, .pt, .npy or .npz file, got a web page',
    );
  });

  it("a missing file is the file system's error, a folder is refused", async () => {
    await expect(load(join(folder, "missing.safetensors"))).rejects.toThrow(/missing\.safetensors/);
    await expect(load(folder)).rejects.toThrow(/got a folder|directory/);
    await expect(load(3 as unknown as string)).rejects.toThrow(FormatError);
  });

  it("a file that shrinks while it is read is refused", async () => {
    const path = join(folder, "shrinks.bin");
    writeFileSync(path, new Uint8Array(100));
    const source = await openSource(path);
    writeFileSync(path, new Uint8Array(10));
    await expect(source.read(0, 100)).rejects.toThrow("became shorter");
    await source.close();
  });

  it("where there is no file system, a path is an address", async () => {
    const bytes = await save(tensors);
    vi.stubGlobal("process", undefined);
    vi.stubGlobal("fetch", (address: string) => {
      expect(address).toBe("models/net.safetensors");
      return Promise.resolve(new Response(bytes as Uint8Array<ArrayBuffer>));
    });
    try {
      expect(await w(await load("models/net.safetensors"))).toEqual(VALUES);
    } finally {
      vi.unstubAllGlobals();
    }
  });
});
