import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import { useMantineColorScheme, useComputedColorScheme } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { useConnection } from "@/live/hooks";
import { useKeys } from "@/ui/useKeys";

import { Brand } from "./Brand";
import { ConnectionMark } from "./ConnectionMark";
import { KeyList } from "./KeyList";
import { SettingsMenu } from "./SettingsMenu";
import styles from "./Shell.module.css";

/** What stands around every page: brand, pages, connection, settings, and the keys. */
export function Shell() {
  const { t } = useTranslation();
  const [isHelpOpen, setHelpOpen] = useState(false);
  const isOffline = useConnection() === "offline";
  useKeys(useShellKeys(setHelpOpen));

  return (
    <>
      <a className={styles.skip} href="#content">
        {t("app.skip")}
      </a>
      <header className={styles.header}>
        <Link to="/runs" className={styles.home} aria-label="Nomaflow">
          <Brand />
        </Link>
        <nav aria-label={t("app.navigation")}>
          <Link to="/runs" activeOptions={{ includeSearch: false }}>
            {t("app.runs")}
          </Link>
          <Link to="/jobs">{t("app.jobs")}</Link>
        </nav>
        <ConnectionMark />
        <SettingsMenu
          onHelp={() => {
            setHelpOpen(true);
          }}
        />
      </header>
      {isOffline && (
        <p className={styles.offline} role="status">
          {t("connection.offlineBar")}
        </p>
      )}
      <main id="content" tabIndex={-1} className={styles.content}>
        <Outlet />
      </main>
      <KeyList
        isOpen={isHelpOpen}
        onClose={() => {
          setHelpOpen(false);
        }}
      />
    </>
  );
}

function useShellKeys(setHelpOpen: (isOpen: boolean) => void) {
  const navigate = useNavigate();
  const { setColorScheme } = useMantineColorScheme();
  const shown = useComputedColorScheme("light");
  return {
    "/": () => document.querySelector<HTMLInputElement>("input[data-search]")?.focus(),
    "?": () => {
      setHelpOpen(true);
    },
    "g r": () => void navigate({ to: "/runs" }),
    "g j": () => void navigate({ to: "/jobs" }),
    t: () => {
      setColorScheme(shown === "dark" ? "light" : "dark");
    },
  };
}
