import "@mantine/core/styles.css";
import "@/ui/base.css";

import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { newCache } from "@/live/cache";
import { App } from "@/routes/App";
import { contrast, theme } from "@/ui/theme";
import { startWords } from "@/words/i18n";

const colours = localStorageColorSchemeManager({ key: "nomaflow.colours" });
const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? "";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");

await startWords();
createRoot(root).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={contrast}
      colorSchemeManager={colours}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <QueryClientProvider client={newCache()}>
        <App />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
