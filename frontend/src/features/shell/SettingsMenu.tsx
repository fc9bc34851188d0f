import {
  ActionIcon,
  Button,
  Popover,
  SegmentedControl,
  useMantineColorScheme,
} from "@mantine/core";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { signOut } from "@/api/session";
import { chooseLanguage, LANGUAGES, type Language } from "@/words/i18n";

import styles from "./SettingsMenu.module.css";

const SCHEMES = { light: "light", dark: "dark", auto: "system" } as const;
type Scheme = keyof typeof SCHEMES;

/** Colours, language, the list of keys, and the way out. */
export function SettingsMenu(props: { onHelp: () => void }) {
  const { t, i18n } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [isOpen, setOpen] = useState(false);
  const schemes = Object.entries(SCHEMES) as [Scheme, (typeof SCHEMES)[Scheme]][];
  const languages = Object.entries(LANGUAGES) as [Language, string][];
  return (
    <Popover
      opened={isOpen}
      onChange={setOpen}
      position="bottom-end"
      withinPortal={false}
      trapFocus
      shadow="md"
    >
      <Popover.Target>
        <ActionIcon
          variant="default"
          size="lg"
          aria-label={t("app.menu")}
          onClick={() => {
            setOpen(!isOpen);
          }}
        >
          <Sliders />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown className={styles.menu} aria-label={t("app.menu")}>
        <Choice name={t("app.colours")}>
          <SegmentedControl
            fullWidth
            aria-label={t("app.colours")}
            value={colorScheme}
            data={schemes.map(([value, name]) => ({ value, label: t(`app.${name}`) }))}
            onChange={setColorScheme}
          />
        </Choice>
        <Choice name={t("app.language")}>
          <SegmentedControl
            fullWidth
            aria-label={t("app.language")}
            value={i18n.language}
            data={languages.map(([value, label]) => ({ value, label }))}
            onChange={(chosen) => void chooseLanguage(chosen as Language)}
          />
        </Choice>
        <Button
          variant="default"
          justify="space-between"
          rightSection={<kbd aria-hidden="true">?</kbd>}
          onClick={() => {
            setOpen(false);
            props.onHelp();
          }}
        >
          {t("app.shortcuts")}
        </Button>
        <Button variant="default" justify="space-between" onClick={signOut}>
          {t("app.signOut")}
        </Button>
      </Popover.Dropdown>
    </Popover>
  );
}

function Choice(props: { name: string; children: ReactNode }) {
  return (
    <div>
      <span className={styles.name} aria-hidden="true">
        {props.name}
      </span>
      {props.children}
    </div>
  );
}

function Sliders() {
  return (
    <svg
      viewBox="0 0 20 20"
      width="18"
      height="18"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.7"
      strokeLinecap="round"
      aria-hidden="true"
    >
      <path d="M3 6h6M13 6h4M3 14h3M10 14h7" />
      <circle cx="11" cy="6" r="2" />
      <circle cx="8" cy="14" r="2" />
    </svg>
  );
}
