import { Tooltip } from "@mantine/core";

/** A time in words; the exact one on hover and for machines. */
export function Instant(props: { at: number; words: string; exact: string }) {
  return (
    <Tooltip label={props.exact} events={{ hover: true, focus: true, touch: true }}>
      <time dateTime={new Date(props.at).toISOString()}>{props.words}</time>
    </Tooltip>
  );
}
