// The worklist: all groups, or one whole.
import { GROUPS } from "./groups.js";
import { GroupPage } from "./group-page.js";
import { Home } from "./home.js";

/** An unknown group shows them all. */
export const open = (place, app) => (Object.hasOwn(GROUPS, place.query.show ?? "") ? new GroupPage(place, app) : new Home(place, app));
