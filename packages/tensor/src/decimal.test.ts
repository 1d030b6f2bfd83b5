import { expect, test } from "vitest";
import { fixedText, scientificText } from "./decimal.ts";

test("fixedText: exact halves go to the even digit", () => {
  expect(fixedText(0.03125, 4)).toBe("0.0312");
  expect(fixedText(0.09375, 4)).toBe("0.0938");
  expect([0.5, 1.5, 2.5, -2.5].map((x) => fixedText(x, 0))).toEqual(["0", "2", "2", "-2"]);
  expect(fixedText(1.005, 2)).toBe("1.00"); // below the half
  expect(fixedText(0.15, 1)).toBe("0.1"); // below
  expect(fixedText(0.35, 1)).toBe("0.3"); // below
  expect(fixedText(0.45, 1)).toBe("0.5"); // above
});

test("fixedText: large, small and signed values", () => {
  expect(fixedText(1e22, 1)).toBe("10000000000000000000000.0");
  expect(fixedText(2 ** 80, 0)).toBe("1208925819614629174706176");
  expect(fixedText(-0, 2)).toBe("-0.00");
  expect(fixedText(-1e-9, 2)).toBe("-0.00");
  expect(fixedText(0.1, 55)).toBe("0.1000000000000000055511151231257827021181583404541015625");
  expect(fixedText(0.5, 120)).toBe("0.5" + "0".repeat(119));
  expect([NaN, Infinity, -Infinity].map((x) => fixedText(x, 3))).toEqual(["nan", "inf", "-inf"]);
});

test("scientificText: exact halves go to the even digit", () => {
  expect(scientificText(100005, 4)).toBe("1.0000e+05");
  expect(scientificText(100015, 4)).toBe("1.0002e+05");
  expect(scientificText(-2.5, 0)).toBe("-2e+00");
  expect(scientificText(99999.5, 4)).toBe("1.0000e+05");
  expect(scientificText(9.5, 0)).toBe("1e+01"); // 9.5 is a half: to even 10
  expect(scientificText(0.000244140625, 3)).toBe("2.441e-04");
});

test("scientificText: zero, extremes and what is not finite", () => {
  expect(scientificText(0, 2)).toBe("0.00e+00");
  expect(scientificText(-0, 0)).toBe("-0e+00");
  expect(scientificText(0, 110)).toBe(`0.${"0".repeat(110)}e+00`);
  expect(scientificText(5e-324, 3)).toBe("4.941e-324");
  expect(scientificText(1.7976931348623157e308, 1)).toBe("1.8e+308");
  expect(scientificText(1, 120)).toBe(`1.${"0".repeat(120)}e+00`);
  expect(scientificText(-Infinity, 2)).toBe("-inf");
});
