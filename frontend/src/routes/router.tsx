import { createRootRoute, createRoute, createRouter, redirect } from "@tanstack/react-router";

import { BASE_PATH } from "@/api/base";
import { Shell } from "@/features/shell/Shell";

import { Crashed, NoSuchPage } from "./failures";
import { JobsPage, jobsSearch } from "./jobs";
import { RunPage } from "./run";
import { RunsPage } from "./runs";
import { runFilter } from "@/domain/runFilter";

const root = createRootRoute({ component: Shell, notFoundComponent: NoSuchPage });

const routes = [
  createRoute({
    getParentRoute: () => root,
    path: "/",
    beforeLoad: () => {
      throw redirect({ to: "/runs" });
    },
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/runs",
    validateSearch: runFilter,
    component: RunsPage,
  }),
  createRoute({ getParentRoute: () => root, path: "/runs/$runId", component: RunPage }),
  createRoute({
    getParentRoute: () => root,
    path: "/jobs",
    validateSearch: jobsSearch,
    component: JobsPage,
  }),
] as const;

export const router = createRouter({
  routeTree: root.addChildren(routes),
  basepath: BASE_PATH,
  scrollRestoration: true,
  defaultErrorComponent: Crashed,
});

declare module "@tanstack/react-router" {
  // eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- the router merges an interface
  interface Register {
    router: typeof router;
  }
}
