/**
 * The normalisation of answers in VQA's official evaluation (GT-Vision-Lab/VQA, vqaEval.py), and the one before
 * submission (EvalAIAnswerProcessor of Pythia, used by LLaVA and TextVQA's evaluation).
 */

const PUNCTUATION = [...'; / [ ] " { } ( ) = + \\ _ - > < @ ` , ? !'.split(" ")];
const NUMBERS = new Map(
  ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"].map((word, i) => [
    word,
    `${i}`,
  ]),
).set("none", "0");
const ARTICLES = new Set(["a", "an", "the"]);

/** Forms whose apostrophes may be missing: the official list has each with one of them left out. */
const CONTRACTIONS = `
  ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've he's
  how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't must've needn't not've o'clock
  oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd
  someone'd've someone'll someone's something'd something'd've something'll that's there'd there'd've there're there's they'd
  they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's what've when's where'd where's
  where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't wouldn't've y'all y'all'll
  y'all'd've you'd you'd've you'll you're you've`;

const CONTRACTED = contractions();

function contractions(): Map<string, string> {
  // An irregular entry of the official list.
  const known = new Map([["somebody'd", "somebodyd"]]);
  for (const form of CONTRACTIONS.trim().split(/\s+/))
    for (const { index } of form.matchAll(/'/g)) known.set(form.slice(0, index) + form.slice(index + 1), form);
  return known;
}

/** Official steps: punctuation, then numbers, articles and contractions. The result is lower case. */
export function officialWords(text: string): string {
  return withoutArticles(withoutPunctuation(text.replace(/[\n\t]/g, " ").trim()));
}

/** The answer as it is submitted to the official evaluation. */
export function submittedWords(text: string): string {
  return officialWords(text.toLowerCase().replaceAll(",", "").replaceAll("?", "").replaceAll("'s", " 's").trim());
}

/** Removes marks next to a blank, and all marks in a text with a number such as 1,000; other marks become blanks. */
function withoutPunctuation(text: string): string {
  const hasCommaNumber = /\d,\d/.test(text);
  let result = text;
  for (const mark of PUNCTUATION) {
    const isAtBlank = text.includes(`${mark} `) || text.includes(` ${mark}`);
    result = result.replaceAll(mark, isAtBlank || hasCommaNumber ? "" : " ");
  }
  return result.replace(/\.(?!\d)/g, "");
}

function withoutArticles(text: string): string {
  return text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => NUMBERS.get(word) ?? word)
    .filter((word) => !ARTICLES.has(word))
    .map((word) => CONTRACTED.get(word) ?? word)
    .join(" ");
}
