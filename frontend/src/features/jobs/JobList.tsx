import { Button, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { isHealthy, jobList } from "@/api/jobs";
import { useAskEvery } from "@/live/hooks";
import { Command, Message } from "@/ui/Message";
import { SearchBox } from "@/ui/SearchBox";

import { BrokenJobRow, JobRow } from "./JobRow";
import styles from "./JobList.module.css";

/** The catalogue: what there is, what ran last, what comes next, and what does not validate. */
export function JobList(props: { search: string; onSearch: (search: string) => void }) {
  const { t } = useTranslation();
  return (
    <>
      <h1 className={styles.title}>{t("jobs.title")}</h1>
      <div className={styles.search}>
        <SearchBox isMain label={t("jobs.search")} value={props.search} onChange={props.onSearch} />
      </div>
      <div className="card">
        <Rows {...props} />
      </div>
    </>
  );
}

function Rows(props: { search: string; onSearch: (search: string) => void }) {
  const { t } = useTranslation();
  const jobs = useQuery({ ...jobList(), refetchInterval: useAskEvery() });
  if (jobs.isPending) return <Skeleton height={200} aria-label={t("jobs.loading")} />;
  if (jobs.data === undefined) {
    return (
      <Message isBad title={t("errors.title")} text={jobs.error.message}>
        <Button variant="default" onClick={() => void jobs.refetch()}>
          {t("errors.again")}
        </Button>
      </Message>
    );
  }
  if (jobs.data.length === 0) {
    return (
      <Message title={t("jobs.emptyTitle")} text={t("jobs.empty")}>
        <Command text="nomaflow validate" />
      </Message>
    );
  }
  const found = jobs.data.filter((job) => fits(props.search, job));
  if (found.length === 0) {
    return (
      <Message title={t("jobs.noneTitle")} text={t("jobs.none")}>
        <Button
          variant="default"
          onClick={() => {
            props.onSearch("");
          }}
        >
          {t("jobs.clear")}
        </Button>
      </Message>
    );
  }
  return (
    <ul>
      {found.map((job) =>
        isHealthy(job) ? (
          <JobRow key={job.job_id} job={job} />
        ) : (
          <BrokenJobRow key={job.job_id} job={job} />
        ),
      )}
    </ul>
  );
}

type Searched = { job_id: string; description?: string | null; tags?: string[] };

function fits(search: string, job: Searched): boolean {
  const text = [job.job_id, job.description ?? "", ...(job.tags ?? [])].join(" ").toLowerCase();
  return text.includes(search.toLowerCase());
}
