// The address says where one is: view, customer, tab, selected mail, open popover and place in the list.

/** The customer's page has nothing but the emails: who cuts the address short, or adds a stroke, is understood. */
const EMAILS = /^\/customers\/([^/]+)(?:\/emails)?\/?$/;
const CUSTOMERS = /^\/(?:customers\/?)?$/;
export const TABS = ["sent", "clicks", "notes"];

/**
 * A place from a URL. `customer` is a global id (`Customer_42`), or else the CRM's own reference.
 * `at` is the cursor of the row above the first one in sight.
 */
export function readAddress(url) {
  const found = EMAILS.exec(url.pathname);
  if (!found) return { view: CUSTOMERS.test(url.pathname) ? "customers" : "nowhere", search: url.searchParams.get("search")?.trim() ?? "" };
  const tab = url.searchParams.get("tab");
  return {
    view: "emails",
    customer: decoded(found[1]),
    tab: TABS.includes(tab) ? tab : "sent",
    message: url.searchParams.get("message"),
    info: url.searchParams.get("info"),
    machines: url.searchParams.has("machines"),
    at: url.searchParams.get("at"),
  };
}

/** The URL of a place. */
export function writeAddress(place) {
  const query = new URLSearchParams();
  if (place.view === "customers") {
    if (place.search) query.set("search", place.search);
    return withQuery("/", query);
  }
  if (place.tab && place.tab !== "sent") query.set("tab", place.tab);
  for (const name of ["message", "info", "at"]) if (place[name]) query.set(name, place[name]);
  if (place.machines) query.set("machines", "");
  return withQuery(`/customers/${encodeURIComponent(place.customer)}/emails`, query);
}

const withQuery = (path, query) => (query.size ? `${path}?${query.toString().replace(/=(&|$)/, "$1")}` : path);

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
