import { Tooltip } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { useConnection } from "@/live/hooks";

import styles from "./ConnectionMark.module.css";

/** How fresh the pages are. */
export function ConnectionMark() {
  const { t } = useTranslation();
  const now = useConnection();
  return (
    <Tooltip label={t(`connection.${now}Hint`)} events={{ hover: true, focus: true, touch: true }}>
      <span className={styles.mark} data-connection={now} role="status">
        <svg viewBox="0 0 12 12" width="10" height="10" aria-hidden="true">
          {now === "live" && <circle cx="6" cy="6" r="5" fill="currentColor" />}
          {now === "polling" && (
            <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="2" />
          )}
          {now === "offline" && (
            <path
              d="M2 2l8 8M10 2l-8 8"
              stroke="currentColor"
              strokeWidth="2"
              strokeLinecap="round"
            />
          )}
        </svg>
        <span className={styles.words}>{t(`connection.${now}`)}</span>
      </span>
    </Tooltip>
  );
}
