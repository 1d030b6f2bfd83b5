/**
 * The smallest program that trains something: tensors, one linear layer, stochastic gradient descent.
 *
 * @module
 */

import { nn, optim, tensor } from "@flambeau/torch";

const layer = new nn.Linear(1, 1);
const optimizer = new optim.SGD(layer.parameters(), { lr: 0.1 });
const x = tensor([[1], [2], [3]]);
for (let step = 0; step < 50; step++) {
  const loss = layer(x).sub(x.mul(2)).square().mean();
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
}
console.log(String(layer.weight));
