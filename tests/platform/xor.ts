/**
 * A user's whole program: it imports the library and trains.
 *
 * @module
 */

import * as torch from "@flambeau/torch";
const { nn, optim } = torch;

torch.manualSeed(0);
const net = new nn.Sequential(new nn.Linear(2, 16), new nn.Tanh(), new nn.Linear(16, 1));
const x = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]]);
const y = torch.tensor([[0], [1], [1], [0]]);
const optimizer = new optim.AdamW(net.parameters(), { lr: 0.05 });
for (let step = 0; step < 200; step++) {
  const loss = nn.functional.binaryCrossEntropyWithLogits(net(x), y);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
}
console.log(JSON.stringify(await net(x).sigmoid().round().flatten().toArray()));
