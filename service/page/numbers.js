// Numbers as the reader's language writes them.
import { said } from "./language.js";
import { preference } from "./preferences.js";

/** Formats are dear to make: one each, until the language changes. */
const made = { locale: null, formats: new Map() };

function format(name, options) {
  const locale = preference("language");
  if (made.locale !== locale) Object.assign(made, { locale, formats: new Map() });
  if (!made.formats.has(name)) made.formats.set(name, new Intl.NumberFormat(locale, options));
  return made.formats.get(name);
}

/** 4210 -> "4,210"; a text of digits, as the API writes large numbers, too. */
export const number = (value) => format("number").format(value);

/** 0.625 -> "62.5%", as the language writes it. */
export const percent = (part) => format("percent", { style: "percent", maximumFractionDigits: 1 }).format(part);

/** 48213 -> "48,000": with two digits, for "about". */
export const rounded = (value) => format("rounded", { maximumSignificantDigits: 2 }).format(value);

/** A `Count` of the API: "4,210", "more than 10,000" where counting stopped, "about 48,000" where it is an estimate. */
export function count({ value, precision }) {
  if (precision === "AT_LEAST") return said.shell.moreThan(number(value));
  return precision === "ESTIMATE" ? said.shell.about(rounded(value)) : number(value);
}
