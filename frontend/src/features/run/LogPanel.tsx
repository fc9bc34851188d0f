import { useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";

import type { RunDetail } from "@/api/types";
import { fitting, type LogFilter } from "@/domain/logFilter";
import { isFinal } from "@/domain/states";
import { useRunLog } from "@/live/hooks";

import { LogLines } from "./LogLines";
import styles from "./LogPanel.module.css";
import { LogToolbar } from "./LogToolbar";
import { useLogScroll } from "./useLogScroll";

/** The log as it is written: it follows its end until the reader scrolls up. */
export function LogPanel(props: {
  run: RunDetail;
  filter: LogFilter;
  onFilter: (filter: LogFilter) => void;
}) {
  const { t } = useTranslation();
  const { run, filter } = props;
  const isInFlight = !isFinal(run.state);
  const log = useRunLog(run.run_id, { isInFlight });
  const count = log.lines.length;
  const lines = useMemo(() => fitting(filter, log.lines), [filter, log.lines]);
  const box = useRef<HTMLDivElement>(null);
  const { rows, isFollowing, missed, onScroll, follow } = useLogScroll(box, lines, isInFlight);

  return (
    <section className={`card ${styles.panel}`} aria-labelledby="log">
      <LogToolbar
        steps={run.steps.map((step) => step.name)}
        filter={filter}
        onFilter={props.onFilter}
        shown={lines.length}
        count={count}
      />
      {log.error !== null && (
        <p className={styles.failed} role="alert">
          {t("log.failed")}
        </p>
      )}
      <div
        ref={box}
        className={styles.box}
        role="log"
        aria-labelledby="log"
        aria-live="off"
        tabIndex={0}
        data-following={isFollowing}
        onScroll={onScroll}
      >
        {lines.length === 0 && (
          <p className={styles.empty}>{nothing({ hasLines: count > 0, isInFlight })}</p>
        )}
        <LogLines rows={rows} lines={lines} text={filter.text} />
      </div>
      {!isFollowing && (
        <button type="button" className={styles.jump} onClick={follow}>
          ↓ {t("log.paused")}
          {missed > 0 && ` · ${t("log.fresh", { count: missed })}`}
        </button>
      )}
    </section>
  );

  function nothing(facts: { hasLines: boolean; isInFlight: boolean }): string {
    if (facts.hasLines) return t("log.none");
    return facts.isInFlight ? t("log.empty") : t("log.emptyFinal");
  }
}
