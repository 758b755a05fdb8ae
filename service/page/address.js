// The URL holds the state of navigation: view, customer, tab, selected mail, open popover and list position.

/** The customer's page has only the emails, so a URL without `/emails`, or with a trailing slash, works too. */
const EMAILS = /^\/customers\/([^/]+)(?:\/emails)?\/?$/;
const CUSTOMERS = /^\/(?:customers\/?)?$/;
export const TABS = ["sent", "clicks", "notes"];

/**
 * Parses a URL. `customer` is a global id (`Customer_42`), or else the CRM's own reference.
 * `at` is the cursor of the row above the first visible one.
 */
export function readAddress(url) {
  const found = EMAILS.exec(url.pathname);
  if (!found) {
    const attention = url.searchParams.has("attention") && { attention: true };
    return { view: CUSTOMERS.test(url.pathname) ? "customers" : "nowhere", search: url.searchParams.get("search")?.trim() ?? "", ...attention };
  }
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

/** Returns the URL of a place. */
export function writeAddress(place) {
  const query = new URLSearchParams();
  if (place.view === "customers") {
    if (place.search) query.set("search", place.search);
    if (place.attention) query.set("attention", "");
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
