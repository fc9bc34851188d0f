import { createContext, useContext, useEffect, useMemo, useSyncExternalStore } from "react";

import { runLines } from "@/api/runs";
import { currentSession, onSession } from "@/api/session";

import { connection, onConnection, type Connection } from "./connection";
import { RunLog, type LogSnapshot } from "./runLog";
import type { Live } from "./socket";

export const LiveContext = createContext<Live | null>(null);

const ASK_MS = 2000;

export function useSession() {
  return useSyncExternalStore(onSession, currentSession);
}

export function useConnection(): Connection {
  return useSyncExternalStore(onConnection, connection);
}

/** How often to ask: not at all while the server tells, or when nothing can change. */
export function useAskEvery({ canChange = true } = {}): number | false {
  const isTold = useConnection() === "live";
  return canChange && !isTold ? ASK_MS : false;
}

/** The run's log, kept up to date while the run is in flight. */
export function useRunLog(runId: number, { isInFlight }: { isInFlight: boolean }): LogSnapshot {
  const live = useContext(LiveContext);
  const log = useMemo(() => new RunLog((after) => runLines(runId, after)), [runId]);
  const askEvery = useAskEvery({ canChange: isInFlight });

  useEffect(() => {
    void log.catchUp(); // also when the run has just ended: its last lines
    return isInFlight ? live?.follow(runId, log) : undefined;
  }, [live, runId, log, isInFlight]);
  useEffect(() => {
    if (askEvery === false) return undefined;
    const timer = setInterval(() => void log.catchUp(), askEvery);
    return () => {
      clearInterval(timer);
    };
  }, [log, askEvery]);

  return useSyncExternalStore(log.subscribe, () => log.snapshot);
}
