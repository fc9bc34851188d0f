import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";
import { useTranslation } from "react-i18next";

import type { RunFilter } from "@/domain/runFilter";
import { RunList } from "@/features/runs/RunList";
import { useTitle } from "@/ui/useTitle";

export function RunsPage() {
  const { t } = useTranslation();
  const filter = useSearch({ from: "/runs" });
  const navigate = useNavigate();
  const change = useCallback(
    (search: RunFilter) => void navigate({ to: "/runs", search, replace: true }),
    [navigate],
  );
  useTitle(t("runs.title"));
  return <RunList filter={filter} onFilter={change} />;
}
