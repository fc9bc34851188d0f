import { useTranslation } from "react-i18next";

import type { Line } from "@/api/types";
import { marked } from "@/domain/logFilter";
import { absolute, clockTime } from "@/domain/time";
import { locale } from "@/words/i18n";

import styles from "./LogLines.module.css";
import type { Rows } from "./useLogScroll";

/** The lines in sight, at their places in the whole. */
export function LogLines(props: { rows: Rows; lines: readonly Line[]; text: string }) {
  const { rows, lines, text } = props;
  return (
    <div className={styles.whole} style={{ height: rows.getTotalSize() }}>
      {rows.getVirtualItems().map(({ index, key, start }) => {
        const line = lines[index];
        return (
          line && (
            <div
              key={key}
              ref={rows.measureElement}
              data-index={index}
              data-level={line.level}
              className={styles.line}
              style={{ transform: `translateY(${start}px)` }}
            >
              <LineShown line={line} text={text} />
            </div>
          )
        );
      })}
    </div>
  );
}

function LineShown({ line, text }: { line: Line; text: string }) {
  const { t, i18n } = useTranslation();
  const at = Date.parse(line.at);
  const isPlain = line.level === "INFO";
  return (
    <>
      <time dateTime={line.at} title={absolute(at, locale(i18n.language))}>
        {clockTime(at)}
      </time>
      <span className={styles.message}>
        {!isPlain && <span className={styles.level}>{line.level}</span>}
        {line.source === "stdout" && <span className={styles.source}>{t("log.stdout")}</span>}
        {marked(line.message, text).map(([piece, isFound], index) =>
          isFound ? <mark key={index}>{piece}</mark> : piece,
        )}
      </span>
    </>
  );
}
