import { defineConfig, mergeConfig } from "vitest/config";

import pages from "./vite.config.ts";

export default mergeConfig(
  pages,
  defineConfig({
    resolve: { alias: { "@test": new URL("./test", import.meta.url).pathname } },
    test: {
      environment: "jsdom",
      setupFiles: ["test/setup.ts"],
      include: ["src/**/*.test.{ts,tsx}"],
      css: false,
    },
  }),
);
