// The URL holds the state of navigation: view, object, tab, filters, open popover and list position.
import { VIEWS } from "./views.js";

/** A URL without `/emails`, or with a trailing slash, works too. */
const EMAILS = /^\/customers\/([^/]+)(?:\/emails)?\/?$/;
export const TABS = ["sent", "clicks", "notes"];
/** The parts of one customer's page beside their mail. */
export const PARTS = ["lists", "campaigns", "addresses", "choices"];
const PART = new RegExp(`^/customers/([^/]+)/(${PARTS.join("|")})/?$`);

/**
 * Parses a URL. Most views have `{ view, path, query }`: the parts of the path after the view's, and the query as an
 * object of texts. The customers' have places of their own: `{ view: "customers", search }`, `{ view: "emails" }`,
 * whose `customer` is a global id (`Customer_42`), or else the CRM's own reference, and whose `at` is the cursor of the
 * row above the first visible one, and `{ view: "customer" }`, whose `part` is one of PARTS. An unknown address has the
 * view `nowhere`.
 */
export function readAddress(url) {
  const [first, ...path] = url.pathname.split("/").filter(Boolean).map(decoded);
  const query = Object.fromEntries(url.searchParams);
  // The list of customers was at "/" once.
  const view = first ?? ("search" in query || "attention" in query ? "customers" : "worklist");
  if (view === "customers") return readCustomers(url, path);
  return Object.hasOwn(VIEWS, view) && (first ?? path.length === 0) ? { view, path, query } : { view: "nowhere" };
}

function readCustomers(url, path) {
  const search = { search: url.searchParams.get("search")?.trim() ?? "", ...(url.searchParams.has("attention") && { attention: true }) };
  if (!path.length) return { view: "customers", ...search };
  const part = PART.exec(url.pathname);
  if (part) return { view: "customer", customer: decoded(part[1]), part: part[2] };
  const found = EMAILS.exec(url.pathname);
  return found ? readEmails(url, decoded(found[1])) : { view: "nowhere" };
}

function readEmails(url, customer) {
  const tab = url.searchParams.get("tab");
  return {
    view: "emails",
    customer,
    tab: TABS.includes(tab) ? tab : "sent",
    message: url.searchParams.get("message"),
    info: url.searchParams.get("info"),
    machines: url.searchParams.has("machines"),
    at: url.searchParams.get("at"),
  };
}

/** Returns the URL of a place. */
export function writeAddress(place) {
  if (place.view === "customers") return writeCustomers(place);
  if (place.view === "emails") return writeEmails(place);
  if (place.view === "customer") return `/customers/${encodeURIComponent(place.customer)}/${place.part}`;
  const path = [place.view, ...(place.path ?? [])].map(encodeURIComponent).join("/");
  const given = Object.entries(place.query ?? {}).filter(([, value]) => value !== null && value !== undefined && value !== false);
  return withQuery(place.view === "worklist" ? "/" : `/${path}`, new URLSearchParams(given.map(([name, value]) => [name, value === true ? "" : value])));
}

function writeCustomers({ search, attention }) {
  const query = new URLSearchParams();
  if (search) query.set("search", search);
  if (attention) query.set("attention", "");
  return withQuery("/customers", query);
}

function writeEmails(place) {
  const query = new URLSearchParams();
  if (place.tab && place.tab !== "sent") query.set("tab", place.tab);
  for (const name of ["message", "info", "at"]) if (place[name]) query.set(name, place[name]);
  if (place.machines) query.set("machines", "");
  return withQuery(`/customers/${encodeURIComponent(place.customer)}/emails`, query);
}

const withQuery = (path, query) => (query.size ? `${path}?${query.toString().replace(/=(?=&|$)/g, "")}` : path);

/** The view whose module shows a place: one customer's page is the customers'. */
export const viewOf = ({ view }) => (view === "emails" || view === "customer" ? "customers" : view);

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
