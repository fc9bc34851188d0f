const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A length of time in two units at most: "0.65 s", "4 min 12 s", "1 h 3 min", "2 d 4 h". */
export function duration(ms: number, language: string): string {
  const day = language.startsWith("fr") ? "j" : "d";
  const length = Math.max(0, ms);
  if (length < 10 * SECOND) return `${seconds(length, language)} s`;
  if (length < MINUTE) return `${Math.floor(length / SECOND)} s`;
  if (length < HOUR) return two(length, MINUTE, "min", SECOND, "s");
  if (length < DAY) return two(length, HOUR, "h", MINUTE, "min");
  return two(length, DAY, day, HOUR, "h");
}

/** Milliseconds from `start` to `end`, or to `now` while it has not ended; null before it began. */
export function elapsed(start: string | null, end: string | null, now: number): number | null {
  if (start === null) return null;
  return (end === null ? now : Date.parse(end)) - Date.parse(start);
}

/** "3 minutes ago", "in 2 hours": one unit, rounded towards now. */
export function relative(at: number, now: number, language: string): string {
  const [size, unit] = unitOf(Math.abs(at - now));
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "long" });
  return format.format(Math.trunc((at - now) / size), unit);
}

/** The instant in the reader's zone, with the zone: for a tooltip. */
export function absolute(at: number, language: string): string {
  const format = new Intl.DateTimeFormat(language, {
    dateStyle: "full",
    timeStyle: "long",
  });
  return format.format(at);
}

export function dayAndTime(at: number, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" }).format(at);
}

/** Hours to milliseconds, as a log shows them. */
export function clockTime(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  return `${clock}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

function seconds(length: number, language: string): string {
  const digits = length < SECOND ? 2 : 1;
  const format = new Intl.NumberFormat(language, { maximumFractionDigits: digits });
  return format.format(length / SECOND);
}

function two(length: number, big: number, bigName: string, small: number, smallName: string) {
  const rest = Math.floor((length % big) / small);
  const first = `${Math.floor(length / big)} ${bigName}`;
  return rest === 0 ? first : `${first} ${rest} ${smallName}`;
}

function unitOf(distance: number): [number, Intl.RelativeTimeFormatUnit] {
  if (distance < MINUTE) return [SECOND, "second"];
  if (distance < HOUR) return [MINUTE, "minute"];
  if (distance < DAY) return [HOUR, "hour"];
  return [DAY, "day"];
}
