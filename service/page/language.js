// The words of the page in the reader's language: one file a language.
import { preference } from "./preferences.js";

/** The words, by view: set before the first rendering, and read while rendering, since the language may change. */
export let said = {};

/** Loads the words of a locale's language; the document says which it is. */
export async function loadLanguage(locale = preference("language")) {
  ({ words: said } = await import(`./languages/${locale.slice(0, 2).toLowerCase()}.js`));
  document.documentElement.lang = locale;
}
