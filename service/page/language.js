// The words of the page in the reader's language: one file a language.
import { preference } from "./preferences.js";

/** The words, by view: set before the first rendering, and read while rendering, since the language may change. */
export let said = {};

/** American spelling, where it differs in the words of the page. */
const american = (text) => text.replaceAll("ancelled", "anceled").replaceAll("ancelling", "anceling");

/** The words with each text, and each text that a function returns, spelled by `spell`. */
function spelled(value, spell) {
  if (typeof value === "string") return spell(value);
  if (typeof value === "function") return (...given) => spelled(value(...given), spell);
  if (Array.isArray(value)) return value.map((each) => spelled(each, spell));
  // What is made of words only; a template among a function's results stays.
  if (value === null || Object.getPrototypeOf(value) !== Object.prototype || "strings" in value) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, spelled(each, spell)]));
}

/** Loads the words of a locale's language; the document says which it is. */
export async function loadLanguage(locale = preference("language")) {
  const { words } = await import(`./languages/${locale.slice(0, 2).toLowerCase()}.js`);
  said = locale === "en-US" ? spelled(words, american) : words;
  document.documentElement.lang = locale;
}
