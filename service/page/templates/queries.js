// What the templates' views ask for.
import { fetchData, mutate } from "../graphql.js";
import { PAGE } from "../row-fields.js";

const VERSION = "id number kind subject mjml html text locale sampleData createdAt createdBy";
const WARNING = "code message blocking lines";

const TEMPLATES = `query Templates($search: String, $first: Int!, $after: String) {
  templates(search: $search, first: $first, after: $after) {
    edges { cursor node { id name version usedBy newest { kind subject createdAt warnings { code message blocking } } } }
    ${PAGE}
  }
}`;

const TEMPLATE = `query Template($id: ID!) {
  template(id: $id) { id name version usedBy newest { ${VERSION} } }
}`;

const VERSIONS = `query Versions($id: ID!, $after: String) {
  template(id: $id) { versions(first: 50, after: $after) { nodes { id number subject createdAt createdBy } ${PAGE} } }
}`;

const ONE_VERSION = `query Version($id: ID!) { node(id: $id) { ... on TemplateVersion { ${VERSION} } } }`;

const PREVIEW = `query Preview($source: CreateTemplateInput!, $customer: ID) {
  previewTemplate(source: $source, customerId: $customer) {
    subject html text size fields warnings { ${WARNING} } userErrors { code message field }
  }
}`;

const PUBLISH = `mutation Publish($input: CreateTemplateInput!) {
  done: createTemplate(input: $input) { template { id name version usedBy newest { ${VERSION} } } userErrors { code message field } }
}`;

const SENDERS = "query Senders { senders(first: 100) { nodes { id name from } } }";

const SEND_TEST = `mutation SendTest($input: SendTemplateTestInput!) {
  done: sendTemplateTest(input: $input) { results { address verdict response { code text } } userErrors { code message field } }
}`;

const CUSTOMERS = `query CustomersToShow($search: String!) {
  customers(search: $search, first: 8) { nodes { id name externalRef attributes } }
}`;

/** Where the list of a template's versions is not looked through any further: a thousand versions. */
const MOST_PAGES = 20;

/** One page of templates by name. */
export const readTemplates = async ({ search, first, after }, options) =>
  (await fetchData(TEMPLATES, { search: search || null, first, after }, options)).templates;

/** A template with its newest version, or null. */
export const readTemplate = async (id, options) => (await fetchData(TEMPLATE, { id }, options)).template;

/** One page of a template's versions, newest first: `{ nodes, pageInfo }`. */
export const readVersions = async (id, after, options) => (await fetchData(VERSIONS, { id, after }, options)).template.versions;

/** A version by its number, or null. */
export async function readVersion(id, number, options) {
  let after = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const { nodes, pageInfo } = await readVersions(id, after, options);
    const found = nodes.find((each) => each.number === number);
    if (found) return (await fetchData(ONE_VERSION, { id: found.id }, options)).node;
    if (!pageInfo.hasNextPage || nodes.at(-1).number < number) return null;
    after = pageInfo.endCursor;
  }
  return null;
}

/** What a source looks like; null when there is no such customer. */
export const readPreview = async (source, customer, options) =>
  (await fetchData(PREVIEW, { source, customer }, options)).previewTemplate;

/** Publishes a version; returns the template. Throws Refused with its `userErrors`. */
export const publish = async (input) => (await mutate(PUBLISH, { input })).template;

export const readSenders = async (options) => (await fetchData(SENDERS, {}, options)).senders?.nodes ?? [];

/** Mails a test; returns `[{ address, verdict, response }]`. */
export const sendTest = async (input) => (await mutate(SEND_TEST, { input })).results;

export const findCustomers = async (search, options) => (await fetchData(CUSTOMERS, { search }, options)).customers?.nodes ?? [];
