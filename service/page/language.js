// The words of the page in the reader's language: one file a language, of which the service also serves each part alone.
import { preference } from "./preferences.js";

/** The words, by part: set before they are drawn, and read while rendering, since the language may change. */
export let said = {};
/** What every view shows; what else a module shows is asked for with it (`withWords`). */
const needed = new Set(["shell", "words", "shared"]);
/** The locale that was asked for last. */
let wanted = null;
/** The locale of `said`. */
let shown = null;

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

/** One part of a locale's words. A server that does not cut the file answers with all of it, which is as good. */
async function readPart(part, locale) {
  const { words } = await import(`./languages/${locale.slice(0, 2).toLowerCase()}.js?part=${part}`);
  return locale === "en-US" ? spelled(words, american) : words;
}

/** Loads the words of a locale that are needed by now. The document says which locale it is. */
export async function loadLanguage(locale = preference("language")) {
  wanted = locale;
  const parts = await Promise.all(Array.from(needed, (part) => readPart(part, locale)));
  // Another locale was chosen meanwhile: whoever waits for these words waits for that.
  if (wanted !== locale) return loadLanguage(wanted);
  said = Object.assign({}, shown === locale ? said : null, ...parts);
  shown = locale;
  document.documentElement.lang = locale;
}

/**
 * The module of `loading`, a promise of `import()`, once the parts of the words that it shows are there as well. Throws when
 * they cannot be had: without a network, or from a page that is older than the service, since a release's files are at
 * addresses of its own.
 */
export async function withWords(loading, ...parts) {
  for (const part of parts) needed.add(part);
  try {
    const [module] = await Promise.all([loading, loadLanguage(wanted ?? preference("language"))]);
    return module;
  } catch (cause) {
    throw new Error(said.shell?.notLoaded, { cause });
  }
}
