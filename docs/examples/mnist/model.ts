/**
 * The network: two convolutions with pooling, then two linear layers.
 *
 * @module
 */

import { nn, type Tensor } from "@flambeau/torch";

/** Digits, float32[N, 1, 28, 28] → scores of the ten classes, float32[N, 10]. */
class DigitNet extends nn.Module {
  conv1 = new nn.Conv2d(1, 16, 3, { padding: 1 });
  conv2 = new nn.Conv2d(16, 32, 3, { padding: 1 });
  pool = new nn.MaxPool2d(2);
  dropout = new nn.Dropout(0.25);
  fc1 = new nn.Linear(32 * 7 * 7, 128);
  fc2 = new nn.Linear(128, 10);

  override forward(x: Tensor): Tensor {
    x = this.pool(this.conv1(x).relu()); // [N, 16, 14, 14]
    x = this.pool(this.conv2(x).relu()); // [N, 32, 7, 7]
    x = this.dropout(x.flatten(1));
    x = this.dropout(this.fc1(x).relu());
    return this.fc2(x);
  }
}

/** A network with random weights. */
export function makeNet(): nn.Module {
  return new DigitNet();
}
