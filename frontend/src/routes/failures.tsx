import { Link, type ErrorComponentProps } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { Message } from "@/ui/Message";

export function NoSuchPage() {
  const { t } = useTranslation();
  return (
    <div className="card">
      <Message isPage title={t("errors.pageTitle")} text={t("errors.page")}>
        <Link to="/runs">{t("run.backToRuns")}</Link>
      </Message>
    </div>
  );
}

export function Crashed({ error }: ErrorComponentProps) {
  const { t } = useTranslation();
  return (
    <div className="card">
      <Message
        isPage
        isBad
        title={t("errors.title")}
        text={`${t("errors.crash")} (${String(error)})`}
      />
    </div>
  );
}
