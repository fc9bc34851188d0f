import { useEffect } from "react";

/** The browser tab's title for as long as the page is shown. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Nomaflow`;
  }, [title]);
}
