import unit from "./jest.config.mjs";

export default {
  ...unit,
  testMatch: ["<rootDir>/__tests__/e2e/**/*.e2e.ts"],
  testTimeout: 120_000,
};
