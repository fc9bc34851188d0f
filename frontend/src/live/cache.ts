import { QueryCache, QueryClient } from "@tanstack/react-query";

import { ApiError } from "@/api/client";

import { tell } from "./connection";

const TRIES = 2;

/** The one store of the server's data; it also notices when the server stops answering. */
export function newCache(): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        tell({ isServerReachable: !isSilence(error) });
      },
      onSuccess: () => {
        tell({ isServerReachable: true });
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 1000,
        retry: (failures, error) => isSilence(error) && failures < TRIES,
        networkMode: "always", // the server may be on this machine
      },
    },
  });
}

function isSilence(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 0 || error.status >= 500);
}
