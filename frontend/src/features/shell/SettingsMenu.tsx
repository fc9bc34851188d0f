import { ActionIcon, Menu, useMantineColorScheme } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { signOut } from "@/api/session";
import { chooseLanguage, LANGUAGES, type Language } from "@/words/i18n";

const SCHEMES = { light: "light", dark: "dark", auto: "system" } as const;

/** Colours, language, the list of keys, and the way out. */
export function SettingsMenu(props: { onHelp: () => void }) {
  const { t, i18n } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <ActionIcon variant="default" size="lg" aria-label={t("app.menu")}>
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
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t("app.colours")}</Menu.Label>
        <Menu.RadioGroup
          value={colorScheme}
          onChange={(chosen) => {
            setColorScheme(chosen as keyof typeof SCHEMES);
          }}
        >
          {Object.entries(SCHEMES).map(([scheme, name]) => (
            <Menu.RadioItem key={scheme} value={scheme}>
              {t(`app.${name}`)}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
        <Menu.Divider />
        <Menu.Label>{t("app.language")}</Menu.Label>
        <Menu.RadioGroup
          value={i18n.language}
          onChange={(chosen) => void chooseLanguage(chosen as Language)}
        >
          {Object.entries(LANGUAGES).map(([language, name]) => (
            <Menu.RadioItem key={language} value={language} lang={language}>
              {name}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
        <Menu.Divider />
        <Menu.Item onClick={props.onHelp} rightSection={<kbd>?</kbd>}>
          {t("app.shortcuts")}
        </Menu.Item>
        <Menu.Item onClick={signOut}>{t("app.signOut")}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
