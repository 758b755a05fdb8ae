// The customers: their list, and one customer's page: mail, and beside it lists, campaigns, addresses and choices. Each is
// loaded when it is opened.
import { withWords } from "../language.js";

const VIEWS = {
  emails: async () => (await withWords(import("./customer-emails.js"), "customers", "emails")).CustomerEmails,
  customer: async () => (await withWords(import("./customer-part.js"), "customers", "emails", "addresses", "find")).CustomerPart,
};
const list = async () => (await withWords(import("./customer-list.js"), "customerList", "emails")).CustomerList;

export async function open(place, app) {
  const View = await (VIEWS[place.view] ?? list)();
  return new View(place, app);
}
