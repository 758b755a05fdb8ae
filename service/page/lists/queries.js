// What the lists' views ask for and change.
import { fetchData, mutate, subscribe } from "../graphql.js";
import { PAGE } from "../row-fields.js";

const LIST = "id name kind createdAt by countedAt usedBy criteria criteriaInWords count { value precision }";
const IMPORT = `id status fileName dryRun read total created updated unchanged failed by createdAt finishedAt encoding
  columns { heading field sample } list { id name kind count { value precision } }`;
const CUSTOMER = "id name externalRef addresses { address primary suppressedSince }";
const ERRORS = "userErrors { code message field }";

const LISTS = `query Lists($search: String, $first: Int!, $after: String) { lists(search: $search, first: $first, after: $after) {
  edges { cursor node { ${LIST} } } ${PAGE} } }`;
const ONE = `query List($id: ID!) { node(id: $id) { ... on CustomerList { ${LIST} } } }`;
const USES = "query Uses($id: ID!, $first: Int!) { campaigns(filter: { listIds: [$id] }, first: $first) { nodes { id title status } } }";
const MEMBERS = `query Members($id: ID!, $search: String, $first: Int!, $after: String) { node(id: $id) { ... on CustomerList {
  members(search: $search, first: $first, after: $after) { edges { cursor node { addedAt by customer { ${CUSTOMER} } } } ${PAGE} } } } }`;
const MEMBERS_FILE = "query File($id: ID!, $search: String) { node(id: $id) { ... on CustomerList { members(search: $search, first: 1) { exportUrl } } } }";
const CUSTOMERS = `query Customers($search: String) { customers(search: $search, first: 20) { nodes { ${CUSTOMER} } } }`;
const PREVIEW = `query Criteria($criteria: ListCriteriaInput!) { previewList(criteria: $criteria) {
  count { value precision } inWords sample { ${CUSTOMER} } } }`;
const IMPORTS = `query Imports($first: Int!, $after: String) { imports(first: $first, after: $after) {
  edges { cursor node { id status fileName dryRun read total created updated unchanged failed by createdAt list { id name } } } ${PAGE} } }`;
const ONE_IMPORT = `query Import($id: ID!) { node(id: $id) { ... on CustomerImport { ${IMPORT} } } }`;
const FAULTS = `query Faults($id: ID!, $after: String) { node(id: $id) { ... on CustomerImport {
  errors(first: 100, after: $after) { nodes { line heading code message } ${PAGE} } } } }`;
const FAULTS_FILE = "query File($id: ID!) { node(id: $id) { ... on CustomerImport { errors(first: 1) { exportUrl } } } }";
const FOLLOW = `subscription Follow($id: ID!) { importChanged(importId: $id) { ${IMPORT} } }`;

const CREATE = `mutation Create($input: CreateListInput!) { done: createList(input: $input) { list { ${LIST} } ${ERRORS} } }`;
const UPDATE = `mutation Update($input: UpdateListInput!) { done: updateList(input: $input) { list { ${LIST} } ${ERRORS} } }`;
const DELETE = `mutation Delete($input: DeleteListInput!) { done: deleteList(input: $input) { ${ERRORS} } }`;
const ADD = `mutation Add($input: AddToListInput!) { done: addToList(input: $input) { list { ${LIST} } changed ${ERRORS} } }`;
const REMOVE = `mutation Remove($input: RemoveFromListInput!) { done: removeFromList(input: $input) { list { ${LIST} } changed ${ERRORS} } }`;
const START = `mutation Start($input: StartImportInput!) { done: startImport(input: $input) { import { ${IMPORT} } ${ERRORS} } }`;
const CANCEL = `mutation Cancel($input: CancelImportInput!) { done: cancelImport(input: $input) { import { ${IMPORT} } ${ERRORS} } }`;

const EMPTY = { edges: [], nodes: [], pageInfo: { hasNextPage: false, endCursor: null } };

/** Campaigns that name a list, newest first; archived ones are left out. */
export const readUses = async (id, first, options) => (await fetchData(USES, { id, first }, options)).campaigns.nodes;

/** One page of lists, by name. */
export const readLists = async ({ search, first, after }, options) =>
  (await fetchData(LISTS, { search: search || null, first, after }, options)).lists ?? EMPTY;
/** The list, or null: an id of something else is none. */
export const readList = async (id, options) => listOf((await fetchData(ONE, { id }, options)).node);
const listOf = (node) => (node?.id ? node : null);
/** One page of a list's members, the newest first. */
export const readMembers = async (id, { search, first, after }, options) =>
  (await fetchData(MEMBERS, { id, search: search || null, first, after }, options)).node?.members ?? EMPTY;
/** Where the members can be fetched as a file, for five minutes. */
export const membersFile = async (id, search) => (await fetchData(MEMBERS_FILE, { id, search: search || null })).node?.members?.exportUrl ?? null;
export const findCustomers = async (search) => (await fetchData(CUSTOMERS, { search: search || null })).customers?.nodes ?? [];
/** How many customers criteria find, and some of them. */
export const previewCriteria = async (criteria, options) => (await fetchData(PREVIEW, { criteria }, options)).previewList;

export const createList = async (input) => (await mutate(CREATE, { input })).list;
export const updateList = async (input) => (await mutate(UPDATE, { input })).list;
export const deleteList = (listId) => mutate(DELETE, { input: { listId } });
export const addToList = (listId, customerIds) => mutate(ADD, { input: { listId, customerIds } });
export const removeFromList = (listId, customerIds) => mutate(REMOVE, { input: { listId, customerIds } });

/** One page of imports, the newest first. */
export const readImports = async (page, options) => (await fetchData(IMPORTS, page, options)).imports ?? EMPTY;
/** The import, or null. */
export const readImport = async (id, options) => listOf((await fetchData(ONE_IMPORT, { id }, options)).node);
/** One page of what was refused, by line. */
export const readFaults = async (id, after) => (await fetchData(FAULTS, { id, after })).node?.errors ?? EMPTY;
export const faultsFile = async (id) => (await fetchData(FAULTS_FILE, { id })).node?.errors?.exportUrl ?? null;
export const startImport = async (input) => (await mutate(START, { input })).import;
export const cancelImport = async (importId) => (await mutate(CANCEL, { input: { importId } })).import;
/** `onChange(import)`; the rest as `subscribe` has it. */
export const followImport = (id, { onChange, ...on }) => subscribe(FOLLOW, { id }, { onData: (data) => data.importChanged && onChange(data.importChanged), ...on });
