/** Python's `strftime` on Linux, always in English: chat templates write the date with it. */

const MONTHS = "January February March April May June July August September October November December".split(" ");
const DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");
const DAY_MS = 86_400_000;

/** Codes that stand for several others, as in the C locale. */
const COMPOSED: Readonly<Record<string, string>> = {
  D: "%m/%d/%y",
  F: "%Y-%m-%d",
  T: "%H:%M:%S",
  R: "%H:%M",
  r: "%I:%M:%S %p",
  c: "%a %b %e %H:%M:%S %Y",
  x: "%m/%d/%y",
  X: "%H:%M:%S",
};

/**
 * Formats a time as local time. Unknown codes stay as they are.
 *
 * @param format with codes such as "%d %B %Y"; "%-d" leaves out the padding, "%^a" writes capitals
 */
export function strftime(now: Date, format: string): string {
  return format.replace(/%([-_0^#]?)([A-Za-z%])/g, (whole, flag: string, code: string) => {
    const composed = COMPOSED[code];
    if (composed) return strftime(now, composed);
    const field = FIELDS[code]?.(now);
    if (field === undefined) return whole;
    if (typeof field === "string") {
      if (flag === "#" && code === "p") return field.toLowerCase();
      return flag === "^" || flag === "#" ? field.toUpperCase() : field;
    }
    const [value, width, padding] = field;
    const pad = flag === "_" ? " " : flag === "0" ? "0" : padding;
    return flag === "-" ? String(value) : String(value).padStart(width, pad);
  });
}

/** A string, or a number with its width and padding. */
type Field = string | [value: number, width: number, padding: string];

const two = (value: number): Field => [value, 2, "0"];

/** Value of each code at a local time. The time has no zone, so its name is empty. */
const FIELDS: Readonly<Record<string, (now: Date) => Field>> = {
  Y: (now) => [now.getFullYear(), 1, "0"],
  C: (now) => two(Math.floor(now.getFullYear() / 100)),
  y: (now) => two(now.getFullYear() % 100),
  m: (now) => two(now.getMonth() + 1),
  d: (now) => two(now.getDate()),
  e: (now) => [now.getDate(), 2, " "],
  j: (now) => [yearDay(now) + 1, 3, "0"],
  B: (now) => MONTHS[now.getMonth()]!,
  b: (now) => MONTHS[now.getMonth()]!.slice(0, 3),
  h: (now) => MONTHS[now.getMonth()]!.slice(0, 3),
  A: (now) => DAYS[now.getDay()]!,
  a: (now) => DAYS[now.getDay()]!.slice(0, 3),
  w: (now) => [now.getDay(), 1, "0"],
  u: (now) => [now.getDay() || 7, 1, "0"],
  U: (now) => two(Math.floor((yearDay(now) + 7 - now.getDay()) / 7)),
  W: (now) => two(Math.floor((yearDay(now) + 7 - ((now.getDay() + 6) % 7)) / 7)),
  V: (now) => two(isoWeekOf(now)[1]),
  G: (now) => [isoWeekOf(now)[0], 1, "0"],
  g: (now) => two(isoWeekOf(now)[0] % 100),
  H: (now) => two(now.getHours()),
  k: (now) => [now.getHours(), 2, " "],
  I: (now) => two(now.getHours() % 12 || 12),
  l: (now) => [now.getHours() % 12 || 12, 2, " "],
  M: (now) => two(now.getMinutes()),
  S: (now) => two(now.getSeconds()),
  f: (now) => String(now.getMilliseconds() * 1000).padStart(6, "0"),
  s: (now) => String(Math.floor(now.getTime() / 1000)),
  p: (now) => (now.getHours() < 12 ? "AM" : "PM"),
  P: (now) => (now.getHours() < 12 ? "am" : "pm"),
  z: () => "",
  Z: () => "",
  n: () => "\n",
  t: () => "\t",
  "%": () => "%",
};

/** Days since the first of January of the date's year; free of clock changes. */
function yearDay(date: Date): number {
  const year = date.getFullYear();
  return Math.round((Date.UTC(year, date.getMonth(), date.getDate()) - Date.UTC(year, 0, 1)) / DAY_MS);
}

/** Year and week of ISO 8601: weeks begin on Monday, and belong to the year of their Thursday. */
function isoWeekOf(date: Date): [year: number, week: number] {
  const thursday = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 4 - (date.getDay() || 7));
  return [thursday.getFullYear(), Math.floor(yearDay(thursday) / 7) + 1];
}
