import { beforeAll } from "vitest";

beforeAll(() => {
  const base = document.createElement("base");
  base.href = "/";
  document.head.append(base);
});
