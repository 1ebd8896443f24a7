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
    const field = fieldOf(now, code);
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

/** A text, or a number with its width and padding. */
function fieldOf(now: Date, code: string): string | [value: number, width: number, padding: string] | undefined {
  const hour = now.getHours();
  const day = now.getDay();
  const [isoYear, isoWeek] = isoWeekOf(now);
  const yearDay = dayOfYear(now.getFullYear(), now);
  const two = (value: number): [number, number, string] => [value, 2, "0"];
  switch (code) {
    case "Y":
      return [now.getFullYear(), 1, "0"];
    case "C":
      return two(Math.floor(now.getFullYear() / 100));
    case "y":
      return two(now.getFullYear() % 100);
    case "m":
      return two(now.getMonth() + 1);
    case "d":
      return two(now.getDate());
    case "e":
      return [now.getDate(), 2, " "];
    case "j":
      return [yearDay + 1, 3, "0"];
    case "B":
      return MONTHS[now.getMonth()]!;
    case "b":
    case "h":
      return MONTHS[now.getMonth()]!.slice(0, 3);
    case "A":
      return DAYS[day]!;
    case "a":
      return DAYS[day]!.slice(0, 3);
    case "w":
      return [day, 1, "0"];
    case "u":
      return [day || 7, 1, "0"];
    case "U":
      return two(Math.floor((yearDay + 7 - day) / 7));
    case "W":
      return two(Math.floor((yearDay + 7 - ((day + 6) % 7)) / 7));
    case "V":
      return two(isoWeek);
    case "G":
      return [isoYear, 1, "0"];
    case "g":
      return two(isoYear % 100);
    case "H":
      return two(hour);
    case "k":
      return [hour, 2, " "];
    case "I":
      return two(hour % 12 || 12);
    case "l":
      return [hour % 12 || 12, 2, " "];
    case "M":
      return two(now.getMinutes());
    case "S":
      return two(now.getSeconds());
    case "f":
      return String(now.getMilliseconds() * 1000).padStart(6, "0");
    case "s":
      return String(Math.floor(now.getTime() / 1000));
    case "p":
      return hour < 12 ? "AM" : "PM";
    case "P":
      return hour < 12 ? "am" : "pm";
    // The time has no zone, so there is no name.
    case "z":
    case "Z":
      return "";
    case "n":
      return "\n";
    case "t":
      return "\t";
    case "%":
      return "%";
    default:
      return undefined;
  }
}

/** Days from the first of January of `year` to the date; free of clock changes. */
function dayOfYear(year: number, date: Date): number {
  return Math.round((Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - Date.UTC(year, 0, 1)) / DAY_MS);
}

/** Year and week of ISO 8601: weeks begin on Monday, and belong to the year of their Thursday. */
function isoWeekOf(date: Date): [year: number, week: number] {
  const thursday = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 4 - (date.getDay() || 7));
  return [thursday.getFullYear(), Math.floor(dayOfYear(thursday.getFullYear(), thursday) / 7) + 1];
}
