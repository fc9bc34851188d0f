import { queryOptions } from "@tanstack/react-query";

import { get } from "./client";
import type { BrokenJob, Job } from "./types";

export const jobKeys = { list: ["jobs"] as const };

export function jobList() {
  return queryOptions({
    queryKey: jobKeys.list,
    queryFn: async () => (await get<{ jobs: (Job | BrokenJob)[] }>("jobs")).jobs,
  });
}

/** Whether the job validates, and so has steps and can run. */
export function isHealthy(job: Job | BrokenJob): job is Job {
  return "steps" in job;
}
