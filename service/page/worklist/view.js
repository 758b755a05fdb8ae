// The worklist: all groups, or one whole, whose module is loaded when it is opened.
import { GROUPS } from "./groups.js";
import { Home } from "./home.js";
import { withWords } from "../language.js";

/** An unknown group shows them all. */
export async function open(place, app) {
  if (!Object.hasOwn(GROUPS, place.query.show ?? "")) return new Home(place, app);
  const { GroupPage } = await withWords(import("./group-page.js"), "worklist");
  return new GroupPage(place, app);
}
