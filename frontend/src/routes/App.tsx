import { useQueryClient } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useEffect, useMemo } from "react";

import { SignIn } from "@/features/shell/SignIn";
import { LiveContext, useSession } from "@/live/hooks";
import { Live } from "@/live/socket";

import { router } from "./router";

/** The pages for who is signed in, else the way to sign in. */
export function App() {
  const { token, wasRefused } = useSession();
  const cache = useQueryClient();
  const live = useMemo(() => new Live(cache), [cache]);
  useEffect(() => (token === null ? undefined : live.open()), [live, token]);
  useEffect(() => {
    if (token === null) cache.clear(); // what one person saw is not for the next
  }, [cache, token]);
  if (token === null) return <SignIn wasRefused={wasRefused} />;
  return (
    <LiveContext value={live}>
      <RouterProvider router={router} />
    </LiveContext>
  );
}
