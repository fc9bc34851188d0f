import { TextInput } from "@mantine/core";
import { useEffect, useRef, useState } from "react";

const PAUSE_MS = 200;

/** A search field that answers shortly after the last key; Escape empties it. */
export function SearchBox(props: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  isMain?: boolean;
  size?: "xs" | "sm";
}) {
  const { value, onChange } = props;
  const [typed, setTyped] = useState(value);
  const told = useRef(value);

  useEffect(() => {
    if (value === told.current) return; // our own change came back
    told.current = value;
    setTyped(value);
  }, [value]);

  useEffect(() => {
    if (typed === told.current) return undefined;
    const timer = setTimeout(() => {
      told.current = typed;
      onChange(typed);
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [typed, onChange]);

  return (
    <TextInput
      type="search"
      size={props.size ?? "sm"}
      aria-label={props.label}
      placeholder={props.label}
      data-search={props.isMain === true ? true : undefined}
      rightSection={props.isMain ? <kbd aria-hidden="true">/</kbd> : null}
      rightSectionPointerEvents="none"
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        if (typed === "") event.currentTarget.blur();
        setTyped("");
      }}
    />
  );
}
