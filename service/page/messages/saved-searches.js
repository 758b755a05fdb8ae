// Searches that the reader has saved, kept in this browser, beside three that are built in.
import { FILTERS } from "./filter.js";
import { said } from "../language.js";

const KEY = "messages.searches";
/** More would be no help in finding one. */
const MAX_SAVED = 20;
/** Characters of a name. */
export const MAX_NAME = 60;

const BUILT_IN = {
  notSent: { status: "refused,held,expired,bounced", from: "7d" },
  received: { direction: "received" },
  needsPerson: { attention: "yes" },
};

/** What a search keeps of an address. */
const kept = (query) => Object.fromEntries(Object.entries(query).filter(([name]) => FILTERS.includes(name) || name === "search" || name === "order"));

const isSame = (one, other) => JSON.stringify(Object.entries(kept(one)).sort()) === JSON.stringify(Object.entries(kept(other)).sort());

function read() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY));
    return Array.isArray(found) ? found.filter((each) => typeof each?.name === "string" && each.query && typeof each.query === "object").slice(0, MAX_SAVED) : [];
  } catch {
    return [];
  }
}

function write(searches) {
  try {
    localStorage.setItem(KEY, JSON.stringify(searches));
    return true;
  } catch {
    return false;
  }
}

/** `[{ name, query, own, current }]`: built in first; `current` the one that the address shows. */
export function savedSearches(query) {
  const builtIn = Object.entries(BUILT_IN).map(([name, each]) => ({ name: said.messages.builtIn[name], query: each, own: false }));
  return [...builtIn, ...read().map((each) => ({ ...each, own: true }))].map((each) => ({ ...each, current: isSame(each.query, query) }));
}

/** Saves what the address shows; the same name takes its place. False when the browser keeps nothing, or no more. */
export function saveSearch(name, query) {
  const others = read().filter((each) => each.name !== name);
  return others.length < MAX_SAVED && write([...others, { name: name.slice(0, MAX_NAME), query: kept(query) }]);
}

export const forgetSearch = (name) => write(read().filter((each) => each.name !== name));
