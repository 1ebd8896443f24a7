/**
 * Patterns for the `format` of strings in JSON Schema: each a part of what the format allows, and nothing else.
 * Repetitions are few or without a limit: others cost the library seconds in a large vocabulary.
 */

const DAY = "(0[1-9]|1\\d|2[0-8])";
const MONTH = "(0[1-9]|1[0-2])";
const DATE = `(19|20)\\d{2}-(${MONTH}-${DAY}|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)`;
const TIME = "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,6})?(Z|[+-](0\\d|1[0-3]):[0-5]\\d)";
const LABEL = "[a-z0-9]{1,9}(-[a-z0-9]{1,9})?";
const HOST = `${LABEL}(\\.${LABEL}){0,2}`;
const BYTE = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const PATH = "(/[A-Za-z0-9._~-]*)*(\\?[A-Za-z0-9._~=&-]*)?";

export const STRING_FORMATS: Readonly<Record<string, string>> = {
  date: DATE,
  time: TIME,
  "date-time": `${DATE}T${TIME}`,
  duration: "P(\\d{1,4}D(T\\d{1,4}H)?|T\\d{1,4}[HMS]|\\d{1,4}[YMW])",
  email: `[A-Za-z0-9_+-]+(\\.[A-Za-z0-9_+-]+)*@${LABEL}(\\.${LABEL}){1,2}`,
  hostname: HOST,
  ipv4: `${BYTE}(\\.${BYTE}){3}`,
  ipv6: "([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}",
  uri: `https?://${HOST}${PATH}`,
  uuid: "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
};
