import query from "@tanstack/eslint-plugin-query";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

// Each folder may import only from folders further down this list.
const FLOORS = ["routes", "features", "live", "api", "words", "domain", "ui"];
const downOnly = FLOORS.slice(1).map((floor, above) => ({
  files: [`src/${floor}/**`],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          {
            group: FLOORS.slice(0, above + 1).map((up) => `@/${up}/**`),
            message: `${floor}/ may only import from folders below it.`,
          },
          { group: ["../*"], message: "Import from another folder by its name: @/domain/…" },
        ],
      },
    ],
  },
}));

export default tseslint.config(
  {
    ignores: [
      "**/*.gen.ts",
      "dist",
      "node_modules",
      "codegen",
      "public",
      "scripts",
      "eslint.config.js",
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  ...query.configs["flat/recommended"],
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { "react-hooks": reactHooks },
    rules: {
      ...reactHooks.configs.recommended.rules,
      complexity: ["error", { max: 8, variant: "modified" }],
      "max-lines-per-function": ["error", { max: 120, skipBlankLines: true, skipComments: true }],
      "@typescript-eslint/consistent-type-definitions": ["error", "type"],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "react-hooks/incompatible-library": "off", // nothing is compiled by React's compiler
      // The router throws its redirects.
      "@typescript-eslint/only-throw-error": "off",
    },
  },
  ...downOnly,
);
