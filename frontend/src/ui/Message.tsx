import type { ReactNode } from "react";

import styles from "./Message.module.css";

/** A page or a panel that has nothing to show: what that means, and what to do. */
export function Message(props: {
  title: string;
  text: string;
  children?: ReactNode;
  isBad?: boolean;
  isPage?: boolean;
}) {
  const { isBad = false, isPage = false } = props;
  const Heading = isPage ? "h1" : "h2";
  return (
    <div className={styles.message} data-bad={isBad} role={isBad ? "alert" : undefined}>
      <Heading>{props.title}</Heading>
      <p>{props.text}</p>
      {props.children}
    </div>
  );
}

/** A command to type, alone on its line. */
export function Command(props: { text: string }) {
  return (
    <pre className={styles.command}>
      <code>{props.text}</code>
    </pre>
  );
}
