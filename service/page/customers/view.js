// The customers: their list, and one customer's page: mail, and beside it lists, campaigns, addresses and choices.
import { CustomerEmails } from "./customer-emails.js";
import { CustomerList } from "./customer-list.js";
import { CustomerPart } from "./customer-part.js";

const VIEWS = { emails: CustomerEmails, customer: CustomerPart };

export const open = (place, app) => new (VIEWS[place.view] ?? CustomerList)(place, app);
