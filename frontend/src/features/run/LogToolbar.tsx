import { NativeSelect } from "@mantine/core";
import { useCallback } from "react";
import { useTranslation } from "react-i18next";

import { LEVELS, type Level, type LogFilter } from "@/domain/logFilter";
import { SearchBox } from "@/ui/SearchBox";

import styles from "./LogToolbar.module.css";

/** Which lines are shown, and how many these are. */
export function LogToolbar(props: {
  steps: string[];
  filter: LogFilter;
  onFilter: (filter: LogFilter) => void;
  shown: number;
  count: number;
}) {
  const { t } = useTranslation();
  const { filter, onFilter, shown, count } = props;
  const search = useCallback(
    (text: string) => {
      onFilter({ ...filter, text });
    },
    [filter, onFilter],
  );
  return (
    <div className={styles.toolbar}>
      <h2 id="log">{t("log.title")}</h2>
      <span className={styles.count} role="status">
        {shown === count ? t("log.lines", { count }) : t("log.found", { shown, count })}
      </span>
      <div className={styles.search}>
        <SearchBox isMain size="xs" label={t("log.search")} value={filter.text} onChange={search} />
      </div>
      <NativeSelect
        size="xs"
        aria-label={t("log.step")}
        value={filter.step ?? ""}
        data={[{ value: "", label: t("log.allSteps") }, ...props.steps]}
        onChange={(event) => {
          onFilter({ ...filter, step: event.currentTarget.value || null });
        }}
      />
      <NativeSelect
        size="xs"
        aria-label={t("log.level")}
        value={filter.level}
        data={LEVELS.map((level) => ({
          value: level,
          label: t(level === "DEBUG" ? "log.all" : `log.${level}`),
        }))}
        onChange={(event) => {
          onFilter({ ...filter, level: event.currentTarget.value as Level });
        }}
      />
    </div>
  );
}
