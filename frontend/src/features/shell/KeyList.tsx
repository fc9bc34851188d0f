import { Modal } from "@mantine/core";
import { Fragment } from "react";
import { useTranslation } from "react-i18next";

import styles from "./KeyList.module.css";

const KEYS = [
  { keys: ["/"], does: "search" },
  { keys: ["g", "r"], does: "runs" },
  { keys: ["g", "j"], does: "jobs" },
  { keys: ["t"], does: "theme" },
  { keys: ["?"], does: "help" },
] as const;

export function KeyList(props: { isOpen: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={props.isOpen}
      onClose={props.onClose}
      title={t("app.shortcuts")}
      closeButtonProps={{ "aria-label": t("app.close") }}
      lockScroll={false}
      centered
    >
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
    </Modal>
  );
}
