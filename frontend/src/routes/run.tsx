import { useParams } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { RunView } from "@/features/run/RunView";
import { useTitle } from "@/ui/useTitle";

import { NoSuchPage } from "./failures";

export function RunPage() {
  const { t } = useTranslation();
  const { runId } = useParams({ from: "/runs/$runId" });
  useTitle(`${t("app.runs")} #${runId}`);
  if (!/^\d{1,15}$/.test(runId)) return <NoSuchPage />;
  return <RunView key={runId} runId={Number(runId)} />;
}
