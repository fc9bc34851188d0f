import styles from "./Brand.module.css";

export function Brand() {
  return (
    <span className={styles.brand}>
      <svg viewBox="0 0 32 32" width="26" height="26" fill="none" aria-hidden="true">
        <rect width="32" height="32" rx="8" fill="#0f766e" />
        <g strokeWidth="3" strokeLinecap="round" strokeLinejoin="round">
          <path d="M7 22V10l9 12V10" stroke="#fff" />
          <path d="M16 22c5 0 4-12 9-12" stroke="#5eead4" />
        </g>
      </svg>
      <span>Nomaflow</span>
    </span>
  );
}
