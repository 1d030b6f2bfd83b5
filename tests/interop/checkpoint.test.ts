import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as torch from "@flambeau/torch";

const { nn, optim } = torch;

class Block extends nn.Module {
  conv1: InstanceType<typeof nn.Conv2d>;
  bn1: InstanceType<typeof nn.BatchNorm2d>;
  conv2: InstanceType<typeof nn.Conv2d>;
  bn2: InstanceType<typeof nn.BatchNorm2d>;

  constructor(channels: number) {
    super();
    this.conv1 = new nn.Conv2d(channels, channels, 3, { padding: 1, bias: false });
    this.bn1 = new nn.BatchNorm2d(channels);
    this.conv2 = new nn.Conv2d(channels, channels, 3, { padding: 1, bias: false });
    this.bn2 = new nn.BatchNorm2d(channels);
  }

  override forward(x: torch.Tensor): torch.Tensor {
    const y = this.bn1(this.conv1(x)).relu();
    return x.add(this.bn2(this.conv2(y))).relu();
  }
}

class Net extends nn.Module {
  stem = new nn.Conv2d(3, 8, 3, { padding: 1 });
  blocks = new nn.ModuleList([new Block(8), new Block(8)]);
  lstm = new nn.LSTM(8, 8, 2, { batchFirst: true, bidirectional: true });
  encoder = new nn.TransformerEncoderLayer(16, 4, 32, { batchFirst: true, dropout: 0 });
  head = new nn.Sequential(new nn.LayerNorm(16), new nn.GELU(), new nn.Linear(16, 5));

  override forward(x: torch.Tensor): torch.Tensor {
    let y = this.stem(x);
    for (const block of this.blocks) y = (block as Block)(y);
    const [hidden] = this.lstm(y.flatten(2).transpose(1, 2));
    return this.head(this.encoder(hidden as torch.Tensor).mean(1));
  }
}

const testdata = join(import.meta.dirname!, "testdata");
const expected: { output: number[][]; losses: number[] } = JSON.parse(
  readFileSync(join(testdata, "checkpoint.json"), "utf8"),
);

describe.each(["cpu", "reference"])("a checkpoint of PyTorch on %s", (device) => {
  test("loads, answers as there, and goes on training as there", async () => {
    torch.setDefaultDevice(device);
    const bytes = new Uint8Array(readFileSync(join(testdata, "checkpoint.pt")));
    const checkpoint = await torch.load<Map<string, unknown>>(bytes);
    const x = checkpoint.get("x") as torch.Tensor;
    const y = checkpoint.get("y") as torch.Tensor;

    const net = new Net();
    const optimizer = new optim.AdamW(net.parameters(), { lr: 1e-2 });
    net.loadStateDict(checkpoint.get("model") as Map<string, torch.Tensor>);
    optimizer.loadStateDict(checkpoint.get("optimizer") as Map<string, never>);

    net.eval();
    const output = torch.noGrad(() => net(x));
    expect(output.allclose(torch.tensor(expected.output), { rtol: 1e-4, atol: 1e-5 })).toBe(true);

    net.train();
    for (const loss of expected.losses) {
      const ours = nn.functional.crossEntropy(net(x), y);
      optimizer.zeroGrad();
      ours.backward();
      optimizer.step();
      expect(Math.abs(await ours.item() - loss)).toBeLessThan(1e-4 * loss);
    }
    torch.setDefaultDevice("cpu");
  });
});
