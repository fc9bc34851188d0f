import { defineConfig, mergeConfig } from "vitest/config";

import pages from "./vite.config";

export default mergeConfig(
  pages,
  defineConfig({
    test: {
      environment: "jsdom",
      setupFiles: ["test/setup.ts"],
      include: ["src/**/*.test.{ts,tsx}"],
      css: false,
    },
  }),
);
