import { Button, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ApiError } from "@/api/client";
import { runDetail } from "@/api/runs";
import type { RunDetail } from "@/api/types";
import { EVERYTHING, type LogFilter } from "@/domain/logFilter";
import { isFinal } from "@/domain/states";
import { useAskEvery } from "@/live/hooks";
import { Message } from "@/ui/Message";

import { LogPanel } from "./LogPanel";
import { RunHead } from "./RunHead";
import styles from "./RunView.module.css";
import { StepList } from "./StepList";

/** One run: what happened, its steps, and its log as it is written. */
export function RunView({ runId }: { runId: number }) {
  const { t } = useTranslation();
  const askEvery = useAskEvery();
  const run = useQuery({
    ...runDetail(runId),
    refetchInterval: ({ state }) => (state.data && isFinal(state.data.state) ? false : askEvery),
  });
  if (run.data !== undefined) return <Loaded run={run.data} />;
  if (run.isPending) return <Skeleton height={260} aria-label={t("run.loading")} />;
  return <Failure runId={runId} error={run.error} onAgain={() => void run.refetch()} />;
}

function Loaded({ run }: { run: RunDetail }) {
  const [filter, setFilter] = useState<LogFilter>(EVERYTHING);
  const showStep = (step: string) => {
    setFilter((before) => ({ ...before, step: before.step === step ? null : step }));
  };
  return (
    <>
      <RunHead run={run} />
      <div className={styles.columns}>
        <StepList run={run} shownStep={filter.step} onShowStep={showStep} />
        <LogPanel run={run} filter={filter} onFilter={setFilter} />
      </div>
    </>
  );
}

function Failure(props: { runId: number; error: Error; onAgain: () => void }) {
  const { t } = useTranslation();
  const isUnknown = props.error instanceof ApiError && props.error.status === 404;
  return (
    <div className="card">
      {isUnknown ? (
        <Message
          isPage
          title={t("run.notFoundTitle", { id: props.runId })}
          text={t("run.notFound")}
        >
          <Link to="/runs">{t("run.backToRuns")}</Link>
        </Message>
      ) : (
        <Message isPage isBad title={t("errors.title")} text={props.error.message}>
          <Button variant="default" onClick={props.onAgain}>
            {t("errors.again")}
          </Button>
        </Message>
      )}
    </div>
  );
}
