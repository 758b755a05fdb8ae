// The merge fields that are offered behind `{{`.

const SUPPLIED = ["postal_address", "unsubscribe_url"];
/** What stands before the place where one types: the brackets, and the part of a name. */
const OPENED = /\{\{\s*([\w.]*)$/;

/** The part of a field's name that ends a line's text up to the cursor, and where it starts; null outside of `{{`. */
export function fieldBefore(text) {
  const found = OPENED.exec(text);
  return found && { typed: found[1], at: text.length - found[1].length };
}

/** All fields that may be meant, sorted, each once: those supplied, used, with sample values, and a customer's own. */
export function offeredFields({ used = [], sample = {}, attributes = {} }) {
  const own = Object.keys(attributes).map((name) => `customer.attributes.${name}`);
  const found = new Set(["customer.name", ...SUPPLIED, ...used, ...Object.keys(sample), ...own]);
  found.delete("customer_name");
  return [...found].sort();
}

/** Where a field comes from: `supplied`, `customer` or `campaign`. */
export const originOf = (name) => (SUPPLIED.includes(name) ? "supplied" : name.startsWith("customer.") ? "customer" : "campaign");

/** The template's own fields and customers' attributes: those that a sample may have a value of. */
export const sampled = (fields) => fields.filter((name) => !SUPPLIED.includes(name)).map((name) => (name === "customer_name" ? "customer.name" : name));

/** A sample's values by the names that templates write: the API has `customer.name` as customer_name. */
export const sampleOf = (data) => Object.fromEntries(Object.entries(data).map(([name, value]) => [name === "customer_name" ? "customer.name" : name, value]));
