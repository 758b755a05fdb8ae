// The lists: all of them, one with its members or criteria, and imports.
import { AllImports, OneImport } from "./all-imports.js";
import { AllLists } from "./all-lists.js";
import { OneList } from "./one-list.js";

const isImport = (text) => /^CustomerImport_/.test(text ?? "");

/** `/lists`, `/lists/ID`, `/lists/ID/criteria`, `/lists/imports`, `/lists/imports/ID` and `/lists/ID/imports/ID`. */
export function open(place, app) {
  const [first, second, third] = place.path;
  if (!first) return new AllLists(place, app);
  if (first === "imports") return second ? new OneImport(place, app, { importId: isImport(second) ? second : null }) : new AllImports(place, app);
  if (second === "imports") return new OneImport(place, app, { listId: first, importId: isImport(third) ? third : null });
  return new OneList(place, app);
}
