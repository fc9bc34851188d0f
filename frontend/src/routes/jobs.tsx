import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";
import { useTranslation } from "react-i18next";

import { JobList } from "@/features/jobs/JobList";
import { useTitle } from "@/ui/useTitle";

export function jobsSearch(search: Record<string, unknown>): { q?: string } {
  const q = search.q;
  return typeof q === "string" || typeof q === "number" ? { q: String(q) } : {};
}

export function JobsPage() {
  const { t } = useTranslation();
  const { q = "" } = useSearch({ from: "/jobs" });
  const navigate = useNavigate();
  const change = useCallback(
    (text: string) =>
      void navigate({ to: "/jobs", search: text === "" ? {} : { q: text }, replace: true }),
    [navigate],
  );
  useTitle(t("jobs.title"));
  return <JobList search={q} onSearch={change} />;
}
