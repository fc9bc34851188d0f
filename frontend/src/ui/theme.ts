import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

const tide: MantineColorsTuple = [
  "#effcf9",
  "#d7f5ee",
  "#b0ebde",
  "#7edccb",
  "#4bc7b4",
  "#27ab9a",
  "#148a7d",
  "#0f766e",
  "#115e59",
  "#134e4a",
];

const night: MantineColorsTuple = [
  "#d9e2e0",
  "#b9c5c2",
  "#98a6a3",
  "#6d7b78",
  "#3c4946",
  "#2f3a38",
  "#1c2423",
  "#171e1d",
  "#101615",
  "#0b100f",
];

export const theme = createTheme({
  primaryColor: "tide",
  primaryShade: 7,
  autoContrast: true,
  colors: { tide, dark: night },
  defaultRadius: "md",
  cursorType: "pointer",
  fontFamily:
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', sans-serif",
  fontFamilyMonospace:
    "ui-monospace, 'Cascadia Mono', 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
  headings: { fontWeight: "650" },
});

/** Mantine's muted texts are too pale for WCAG AA. */
export const contrast: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-body": "#f6f7f7",
    "--mantine-color-text": "#16211f",
    "--mantine-color-dimmed": "#55625f",
    "--mantine-color-placeholder": "#66726f",
    "--mantine-color-default-border": "#d5dbd9",
    "--mantine-color-error": "#b42318",
  },
  dark: {
    "--mantine-color-body": "#101615",
    "--mantine-color-text": "#e4ebe9",
    "--mantine-color-dimmed": "#9fadaa",
    "--mantine-color-placeholder": "#8c9a97",
    "--mantine-color-default": "#1a2221",
    "--mantine-color-default-hover": "#212b29",
    "--mantine-color-default-border": "#34403d",
    "--mantine-color-error": "#ff9b8f",
  },
});
