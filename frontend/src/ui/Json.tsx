import styles from "./Json.module.css";

/** A flat object as a list of names and values; deeper values as JSON. */
export function Json(props: { value: Record<string, unknown> }) {
  return (
    <dl className={styles.json}>
      {Object.entries(props.value).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{shown(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function shown(value: unknown): string {
  if (typeof value === "string") return value;
  return JSON.stringify(value, null, typeof value === "object" ? 2 : 0);
}
