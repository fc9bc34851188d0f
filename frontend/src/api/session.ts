/** The token of this tab. It is kept in sessionStorage: another tab, or a restart, asks again. */

const KEPT = "nomaflow.token";

type Session = { token: string | null; wasRefused: boolean };

let session: Session = { token: sessionStorage.getItem(KEPT), wasRefused: false };
const listeners = new Set<() => void>();

export function currentSession(): Session {
  return session;
}

export function signIn(token: string): void {
  sessionStorage.setItem(KEPT, token);
  change({ token, wasRefused: false });
}

export function signOut(): void {
  sessionStorage.removeItem(KEPT);
  change({ token: null, wasRefused: false });
}

/** The server no longer accepts the token: ask for another one, and say why. */
export function refuse(): void {
  sessionStorage.removeItem(KEPT);
  change({ token: null, wasRefused: true });
}

export function onSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function change(next: Session): void {
  session = next;
  for (const listener of listeners) listener();
}
