// What the reader chose in Settings, kept in this browser: theme, language, time zone, density and one-letter keys.

const KEY = "preferences";
/** The languages of the page with the way each writes dates and numbers: a file in languages/ by the first two letters. */
export const LANGUAGES = ["en-US", "en-GB", "de"];
const THEMES = ["light", "dark"];

/** By name: whether a value may be chosen, and what is in effect without one. */
const PREFERENCES = {
  theme: { fits: (value) => THEMES.includes(value), otherwise: () => "system" },
  language: { fits: (value) => LANGUAGES.includes(value), otherwise: browserLanguage },
  zone: { fits: isZone, otherwise: () => new Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC" },
  density: { fits: (value) => value === "compact", otherwise: () => "normal" },
  letters: { fits: (value) => typeof value === "boolean", otherwise: () => true },
};

const listeners = new Set();
let chosen = read();
/** Values in effect by name, once they were asked for: every date asks, and a browser takes long to find its zone. */
const inEffect = new Map();

/**
 * The value in effect: `theme` is system, light or dark; `language` a locale of `LANGUAGES` or one of the browser's
 * whose language the page speaks; `zone` an IANA name; `density` normal or compact; `letters` whether keys of one
 * letter act.
 */
export function preference(name) {
  if (!inEffect.has(name)) inEffect.set(name, chosenPreference(name) ?? PREFERENCES[name].otherwise());
  return inEffect.get(name);
}

/** What was chosen in Settings, or null. */
export const chosenPreference = (name) => {
  const value = chosen[name];
  return value !== undefined && PREFERENCES[name].fits(value) ? value : null;
};

/** Chooses a value; null, or one that does not fit, goes back to the browser's. */
export function setPreference(name, value) {
  const { [name]: before, ...others } = chosen;
  chosen = value !== null && PREFERENCES[name].fits(value) ? { ...others, [name]: value } : others;
  try {
    localStorage.setItem(KEY, JSON.stringify(chosen));
  } catch {
    // The browser keeps nothing for this site: the choice holds until the page is left.
  }
  changed();
}

/** Calls `listener` after each choice, also of another tab. Returns a function that ends that. */
export function onPreference(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The document shows theme and density: page.css has the rest. */
export function applyPreferences() {
  const { dataset } = document.documentElement;
  dataset.theme = preference("theme");
  dataset.density = preference("density");
}

function changed() {
  inEffect.clear();
  applyPreferences();
  listeners.forEach((listener) => listener());
}

function read() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY));
    return found !== null && typeof found === "object" ? found : {};
  } catch {
    return {};
  }
}

/** The browser's first language that the page speaks, with its region, which decides about dates; else English. */
function browserLanguage() {
  const spoken = LANGUAGES.map((each) => each.slice(0, 2));
  const found = globalThis.navigator?.languages?.find((each) => spoken.includes(each.slice(0, 2).toLowerCase()));
  return found === undefined || found === "en" ? "en-US" : found;
}

function isZone(value) {
  try {
    return typeof value === "string" && Boolean(new Intl.DateTimeFormat("en", { timeZone: value }));
  } catch {
    return false;
  }
}

// The browser may have another zone and language when the page is looked at again.
globalThis.document?.addEventListener("visibilitychange", () => inEffect.clear());
globalThis.addEventListener?.("storage", ({ key }) => {
  if (key !== KEY) return;
  chosen = read();
  changed();
});
