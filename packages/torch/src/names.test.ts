import { expect, test } from "vitest";
import * as torch from "../mod.ts";

test("numbers have PyTorch's names", () => {
  expect(torch.full([2], torch.inf).isinf().all().itemSync()).toBe(true);
  expect(torch.tensor(torch.nan).isnan().itemSync()).toBe(true);
  expect(torch.tensor(torch.pi).sin().abs().itemSync()).toBeLessThan(1e-6);
  expect(torch.tensor(torch.e).log().itemSync()).toBeCloseTo(1, 6);
});

test("torch.utils.data is torch.data", () => {
  expect(torch.utils.data.DataLoader).toBe(torch.data.DataLoader);
});

test("distances are in torch and in nn.functional", () => {
  const [x, y] = [torch.tensor([[3, 4]]), torch.tensor([[4, 3]])];
  expect(torch.cosineSimilarity(x, y, { dim: 1 }).itemSync()).toBeCloseTo(0.96, 6);
  expect(torch.pairwiseDistance(x, y).itemSync()).toBeCloseTo(Math.SQRT2, 5);
});
