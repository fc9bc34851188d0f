import { BASE_PATH } from "./base";
import { currentSession, refuse } from "./session";

/** The server said no, or (status 0) did not answer; `message` is for people. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export type Query = Record<string, string | number | readonly string[] | null | undefined>;

/** GET of a path below /api/v1. Throws ApiError; a token that is not in force ends the session. */
export async function get<Answer>(path: string, query: Query = {}): Promise<Answer> {
  const { token } = currentSession();
  const answer = await fetched(address(path, query), token ?? "");
  if (answer.status === 401 && token === currentSession().token) refuse();
  if (!answer.ok) throw new ApiError(answer.status, await detail(answer));
  return (await answer.json()) as Answer;
}

/** Whether the server accepts the token. Throws ApiError when it does not answer. */
export async function isInForce(token: string): Promise<boolean> {
  const answer = await fetched(address("runs", { limit: 1 }), token);
  if (answer.status === 401) return false;
  if (!answer.ok) throw new ApiError(answer.status, await detail(answer));
  return true;
}

async function fetched(url: string, token: string): Promise<Response> {
  try {
    return await fetch(url, { headers: { Authorization: `Bearer ${token}` } });
  } catch {
    throw new ApiError(0, "The server does not answer.");
  }
}

function address(path: string, query: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value == null || value === "") continue;
    for (const item of [value].flat()) search.append(name, String(item));
  }
  return `${BASE_PATH}api/v1/${path}${search.size > 0 ? `?${search}` : ""}`;
}

async function detail(answer: Response): Promise<string> {
  try {
    const problem = (await answer.json()) as { detail?: string };
    return problem.detail ?? answer.statusText;
  } catch {
    return answer.statusText;
  }
}
