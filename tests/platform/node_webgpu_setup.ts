/**
 * Gives Node the `navigator.gpu` of the package `webgpu`.
 *
 * @module
 */

import { create, globals } from "webgpu";

Object.assign(globalThis, globals);
Object.defineProperty(globalThis, "navigator", { value: { gpu: create([]) }, configurable: true });
