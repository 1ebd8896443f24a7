/** Numbers and times as the prompts of models that were trained on videos spell them. */

const ONES =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  );
const TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/** "sixty-four": whole numbers from 0 to 99. */
export function numberInWords(count: number): string {
  if (count < 20) return ONES[count]!;
  const ones = count % 10;
  return TENS[Math.floor(count / 10) - 2]! + (ones > 0 ? `-${ONES[ones]}` : "");
}

/** "0:01:05" of three places, "01:05" of two, whose minutes go on beyond an hour. */
export function clock(seconds: number, places: 2 | 3): string {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60);
  const two = (value: number) => String(value).padStart(2, "0");
  if (places === 2) return `${two(minutes)}:${two(whole % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}
