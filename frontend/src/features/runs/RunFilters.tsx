import { CloseButton } from "@mantine/core";
import { useCallback } from "react";
import { useTranslation } from "react-i18next";

import { toggleState, withoutJob, withSearch, type RunFilter } from "@/domain/runFilter";
import { LOOKS, RUN_STATES } from "@/domain/states";
import { SearchBox } from "@/ui/SearchBox";
import { StateMark } from "@/ui/StateMark";

import styles from "./RunFilters.module.css";

/** Search, states and job; each change is a change of the address. */
export function RunFilters(props: { filter: RunFilter; onFilter: (filter: RunFilter) => void }) {
  const { t } = useTranslation();
  const { filter, onFilter } = props;
  const search = useCallback(
    (q: string) => {
      onFilter(withSearch(filter, q));
    },
    [filter, onFilter],
  );
  return (
    <div className={styles.filters}>
      <div className={styles.search}>
        <SearchBox isMain label={t("runs.search")} value={filter.q ?? ""} onChange={search} />
      </div>
      {filter.job !== undefined && <OnlyJob {...props} job={filter.job} />}
      <div className={styles.states} role="group" aria-label={t("runs.states")}>
        {RUN_STATES.map((state) => (
          <button
            key={state}
            type="button"
            aria-pressed={filter.state?.includes(state) ?? false}
            onClick={() => {
              onFilter(toggleState(filter, state));
            }}
          >
            <StateMark {...LOOKS[state]} size={15} isBare label="" />
            {t(`states.${state}`)}
          </button>
        ))}
      </div>
    </div>
  );
}

function OnlyJob(props: { job: string; filter: RunFilter; onFilter: (filter: RunFilter) => void }) {
  const { t } = useTranslation();
  return (
    <span className={styles.job}>
      {t("runs.onlyJob", { job: props.job })}
      <CloseButton
        size="xs"
        aria-label={t("runs.clearJob")}
        onClick={() => {
          props.onFilter(withoutJob(props.filter));
        }}
      />
    </span>
  );
}
