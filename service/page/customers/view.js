// The customers: their list, and one customer's mail.
import { CustomerEmails } from "./customer-emails.js";
import { CustomerList } from "./customer-list.js";

export const open = (place, app) => (place.view === "emails" ? new CustomerEmails(place, app) : new CustomerList(place, app));
