/** How fresh the pages are: told at once over the socket, asking, or without an answer. */
export type Connection = "live" | "polling" | "offline";

type Facts = { isSocketUp: boolean; isServerReachable: boolean };

let facts: Facts = { isSocketUp: false, isServerReachable: true };
const listeners = new Set<() => void>();

export function connection(): Connection {
  if (facts.isSocketUp) return "live";
  return facts.isServerReachable ? "polling" : "offline";
}

export function onConnection(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function tell(changed: Partial<Facts>): void {
  const before = connection();
  facts = { ...facts, ...changed };
  if (connection() === before) return;
  for (const listener of listeners) listener();
}
