import { CloseButton } from "@mantine/core";
import { Fragment, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import styles from "./KeyList.module.css";

const KEYS = [
  { keys: ["/"], does: "search" },
  { keys: ["g", "r"], does: "runs" },
  { keys: ["g", "j"], does: "jobs" },
  { keys: ["t"], does: "theme" },
  { keys: ["?"], does: "help" },
] as const;

/** The keys and what they do, over the page; Escape closes it. */
export function KeyList(props: { isOpen: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (props.isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [props.isOpen]);
  return (
    <dialog
      ref={dialog}
      className={`card ${styles.dialog ?? ""}`}
      aria-labelledby="keys"
      onClose={props.onClose}
    >
      <div className={styles.title}>
        <h2 id="keys">{t("app.shortcuts")}</h2>
        <CloseButton aria-label={t("app.close")} onClick={props.onClose} />
      </div>
      <dl className={styles.list}>
        {KEYS.map(({ keys, does }) => (
          <div key={does}>
            <dt>{t(`keys.${does}`)}</dt>
            <dd>
              {keys.map((key, index) => (
                <Fragment key={key}>
                  {index > 0 && ` ${t("keys.then")} `}
                  <kbd>{key}</kbd>
                </Fragment>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </dialog>
  );
}
