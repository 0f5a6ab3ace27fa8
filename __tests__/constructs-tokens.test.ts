import { Lazy, Token } from "cdktf";
import { lazyText, untraced } from "../constructs/tokens";

const traceOfOne = (): readonly string[] => Lazy.anyValue({ produce: () => 1 }).creationStack;

test("what is made untraced has no stack trace, and what a user makes afterwards has one", () => {
  expect(untraced(traceOfOne)).toEqual([]);
  expect(traceOfOne().length).toBeGreaterThan(1);
});

test("a failure within goes on as it is, with its own trace", () => {
  const failure = new Error("within");
  const fail = (): never => {
    throw failure;
  };
  expect(() => untraced(fail)).toThrow(failure);
  expect(failure.stack).toContain("constructs-tokens.test");
});

test("lazy texts are tokens", () => {
  expect(Token.isUnresolved(lazyText(() => "later"))).toBe(true);
});
