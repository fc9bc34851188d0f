import i18next from "i18next";
import { initReactI18next } from "react-i18next";

import { en } from "./en";
import { fr } from "./fr";

export const LANGUAGES = { en: "English", fr: "Français" } as const;
export type Language = keyof typeof LANGUAGES;

const KEPT = "nomaflow.language";

declare module "i18next" {
  // eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- i18next merges an interface
  interface CustomTypeOptions {
    resources: { translation: typeof en };
  }
}

/** The texts in the language that was chosen last time, else in the browser's. */
export async function startWords(): Promise<void> {
  await i18next.use(initReactI18next).init({
    resources: { en: { translation: en }, fr: { translation: fr } },
    lng: chosenLanguage(),
    fallbackLng: "en",
    interpolation: { escapeValue: false }, // React escapes
  });
  document.documentElement.lang = i18next.language;
}

export async function chooseLanguage(language: Language): Promise<void> {
  localStorage.setItem(KEPT, language);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

/** How the reader writes dates and numbers: the browser's own way, if it is of the same language. */
export function locale(language: string): string {
  return navigator.languages.find((known) => known.startsWith(language)) ?? language;
}

function chosenLanguage(): Language {
  const wanted = localStorage.getItem(KEPT) ?? navigator.language;
  return wanted.startsWith("fr") ? "fr" : "en";
}
