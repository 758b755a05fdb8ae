// The words of the page in the reader's language: one file a language.

const LANGUAGES = ["en", "de"];

/** The words, by view: set before the first rendering. */
export let said = {};

/** The language chosen in Settings, else the browser's first that there is, else English. */
export function language() {
  const wanted = [localStorage.getItem("language"), ...navigator.languages].filter(Boolean);
  return wanted.map((each) => each.slice(0, 2).toLowerCase()).find((each) => LANGUAGES.includes(each)) ?? "en";
}

/** Loads the words; the document says which language it is in. */
export async function loadLanguage(name = language()) {
  ({ words: said } = await import(`./languages/${name}.js`));
  document.documentElement.lang = name;
}
