import { Button, Skeleton } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Fragment, useMemo } from "react";
import { useTranslation } from "react-i18next";

import { runList } from "@/api/runs";
import { isEmpty, type RunFilter } from "@/domain/runFilter";
import { useAskEvery } from "@/live/hooks";
import { Command, Message } from "@/ui/Message";
import { locale } from "@/words/i18n";

import { byDay } from "./byDay";
import { RunFilters } from "./RunFilters";
import styles from "./RunList.module.css";
import { RunRow } from "./RunRow";

/** All runs, newest first, as they change. */
export function RunList(props: { filter: RunFilter; onFilter: (filter: RunFilter) => void }) {
  const { t } = useTranslation();
  return (
    <>
      <h1 className={styles.title}>{t("runs.title")}</h1>
      <RunFilters {...props} />
      <Rows {...props} />
    </>
  );
}

function Rows({ filter, onFilter }: { filter: RunFilter; onFilter: (filter: RunFilter) => void }) {
  const { t, i18n } = useTranslation();
  const runs = useInfiniteQuery({ ...runList(filter), refetchInterval: useAskEvery() });
  const language = locale(i18n.language);
  const days = useMemo(
    () => byDay(runs.data?.pages.flatMap((page) => page.runs) ?? [], language),
    [runs.data, language],
  );
  if (runs.isPending) return <Loading label={t("runs.loading")} />;
  if (runs.isError && days.length === 0) {
    return (
      <div className="card">
        <Message isBad title={t("errors.title")} text={runs.error.message}>
          <Button variant="default" onClick={() => void runs.refetch()}>
            {t("errors.again")}
          </Button>
        </Message>
      </div>
    );
  }
  if (days.length === 0) return <Nothing filter={filter} onFilter={onFilter} />;
  return (
    <>
      <div className={`card ${styles.table}`}>
        <div className={styles.columns} aria-hidden="true">
          <span>{t("runs.state")}</span>
          <span>{t("runs.job")}</span>
          <span>{t("runs.trigger")}</span>
          <span>{t("runs.started")}</span>
          <span>{t("runs.duration")}</span>
        </div>
        {days.map(({ day, words, runs: ofDay }) => (
          <Fragment key={day}>
            <h2 className={styles.day}>
              {words === "today" || words === "yesterday" ? t(`runs.${words}`) : words}
            </h2>
            <ul>
              {ofDay.map((run) => (
                <RunRow key={run.run_id} run={run} />
              ))}
            </ul>
          </Fragment>
        ))}
      </div>
      {runs.hasNextPage && (
        <div className={styles.more}>
          <Button
            variant="default"
            loading={runs.isFetchingNextPage}
            onClick={() => void runs.fetchNextPage()}
          >
            {t("runs.more")}
          </Button>
        </div>
      )}
    </>
  );
}

function Nothing(props: { filter: RunFilter; onFilter: (filter: RunFilter) => void }) {
  const { t } = useTranslation();
  return (
    <div className="card">
      {isEmpty(props.filter) ? (
        <Message title={t("runs.emptyTitle")} text={t("runs.empty")}>
          <Command text="nomaflow run JOB --wait" />
        </Message>
      ) : (
        <Message title={t("runs.noneTitle")} text={t("runs.none")}>
          <Button
            variant="default"
            onClick={() => {
              props.onFilter({});
            }}
          >
            {t("runs.clear")}
          </Button>
        </Message>
      )}
    </div>
  );
}

function Loading(props: { label: string }) {
  return (
    <div className={`card ${styles.loading}`} role="status" aria-label={props.label}>
      {Array.from({ length: 8 }, (_, index) => (
        <Skeleton key={index} height={22} />
      ))}
    </div>
  );
}
