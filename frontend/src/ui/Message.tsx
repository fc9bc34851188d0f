import type { ReactNode } from "react";

import styles from "./Message.module.css";

/** A page or a panel that has nothing to show: what that means, and what to do. */
export function Message(props: {
  title: string;
  text: string;
  children?: ReactNode;
  isBad?: boolean;
}) {
  return (
    <div className={styles.message} role={props.isBad ? "alert" : undefined}>
      <h2 data-bad={props.isBad === true ? true : undefined}>{props.title}</h2>
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
