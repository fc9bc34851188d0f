import type { QueryClient } from "@tanstack/react-query";
import { io, type Socket } from "socket.io-client";

import { BASE_PATH } from "@/api/base";
import type { Progress } from "@/api/runs";
import { currentSession } from "@/api/session";
import type { Line, Run, StepRun } from "@/api/types";

import { catalogueChanged, runChanged, stepChanged, stepProgressed } from "./applyEvent";
import { tell } from "./connection";
import type { RunLog } from "./runLog";

type Told = {
  "run.changed": (run: Run) => void;
  "step.changed": (step: StepRun & { run_id: number; index: number }) => void;
  "step.progress": (step: Progress & { run_id: number; step: string }) => void;
  "catalogue.changed": () => void;
  "run.log": (batch: { run_id: number; lines: Line[] }) => void;
};
type Asked = {
  subscribe: (what: { run: number; after: number } | { catalogue: true }) => void;
  unsubscribe: (what: { run: number }) => void;
};

/** The live connection of a session; it connects by itself again, and asks for the gap. */
export class Live {
  readonly #socket: Socket<Told, Asked>;
  readonly #followed = new Map<number, RunLog>();

  constructor(cache: QueryClient) {
    this.#socket = io({
      path: `${BASE_PATH}socket.io`,
      auth: (give) => {
        give({ token: currentSession().token });
      },
      autoConnect: false,
      reconnectionDelayMax: 10_000,
    });
    this.#socket.on("connect", () => {
      tell({ isSocketUp: true });
      this.#socket.emit("subscribe", { catalogue: true });
      for (const [run, log] of this.#followed) this.#follow(run, log);
      void cache.invalidateQueries();
    });
    this.#socket.on("disconnect", () => {
      tell({ isSocketUp: false });
    });
    this.#socket.on("run.changed", (run) => {
      runChanged(cache, run);
    });
    this.#socket.on("step.changed", (step) => {
      stepChanged(cache, step.run_id, step.index, step);
    });
    this.#socket.on("step.progress", ({ run_id, step, done, total }) => {
      stepProgressed(cache, run_id, step, { done, total });
    });
    this.#socket.on("catalogue.changed", () => {
      catalogueChanged(cache);
    });
    this.#socket.on("run.log", ({ run_id, lines }) => {
      this.#followed.get(run_id)?.append(lines);
    });
  }

  /** Connect, until the returned function is called. */
  open(): () => void {
    this.#socket.connect();
    return () => {
      this.#socket.disconnect();
    };
  }

  /** Be told of the run and its lines, until the returned function is called. */
  follow(run: number, log: RunLog): () => void {
    this.#followed.set(run, log);
    if (this.#socket.connected) this.#follow(run, log);
    return () => {
      this.#followed.delete(run);
      if (this.#socket.connected) this.#socket.emit("unsubscribe", { run });
    };
  }

  #follow(run: number, log: RunLog): void {
    this.#socket.emit("subscribe", { run, after: log.last });
  }
}
