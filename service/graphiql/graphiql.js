// A small page to try queries: an editor, the response, and the schema with its descriptions. A client of /graphql only.

const element = (id) => document.getElementById(id);
const KEPT = "graphiql";
const EXAMPLE = `query Emails($id: ID!) {
  customer(id: $id) {
    name
    emails {
      sent(first: 5) { nodes { campaignTitle subject sentAt openedAt colorHint } }
      clicks(first: 5) { nodes { clickedAt url } }
      connectionNotes(first: 5) {
        nodes { occurredAt direction title colorHint info { status cause advice response { code text } } }
      }
    }
  }
}
`;
const SCHEMA = `{ __schema { types { name description kind
  fields { name description type { ...T } args { name type { ...T } } }
  inputFields { name description type { ...T } } enumValues { name description } } } }
fragment T on __Type { name kind ofType { name kind ofType { name kind ofType { name kind } } } }`;

let csrfToken = null;

async function ask(query, variables) {
  const headers = { "Content-Type": "application/json", Accept: "application/graphql-response+json" };
  const token = element("token").value.trim();
  if (token) headers.Authorization = `Bearer ${token}`;
  else if (csrfToken) headers["X-CSRF-Token"] = csrfToken;
  const answer = await fetch("/graphql", { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  return { status: answer.status, body: await answer.json() };
}

async function run() {
  const began = performance.now();
  let variables;
  try {
    variables = JSON.parse(element("variables").value || "{}");
  } catch (error) {
    element("status").textContent = `The variables are not JSON: ${error.message}`;
    return;
  }
  try {
    sessionStorage.setItem(KEPT, JSON.stringify([element("query").value, element("variables").value]));
    const { status, body } = await ask(element("query").value, variables);
    element("status").textContent = `${status} in ${Math.round(performance.now() - began)} ms`;
    element("answer").textContent = JSON.stringify(body, null, 2);
    if (status === 200 && !element("types").querySelector("details")) await readSchema();
  } catch (error) {
    element("status").textContent = `No answer: ${error.message}`;
  }
}

const written = (type) =>
  type.kind === "NON_NULL" ? `${written(type.ofType)}!` : type.kind === "LIST" ? `[${written(type.ofType)}]` : type.name;

function describe(type) {
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = type.name;
  const list = document.createElement("dl");
  for (const part of [...(type.fields ?? []), ...(type.inputFields ?? []), ...(type.enumValues ?? [])]) {
    const term = document.createElement("dt");
    const args = (part.args ?? []).map((arg) => `${arg.name}: ${written(arg.type)}`).join(", ");
    term.textContent = part.name + (args && `(${args})`) + (part.type ? `: ${written(part.type)}` : "");
    const words = document.createElement("dd");
    words.textContent = part.description ?? "";
    list.append(term, words);
  }
  const words = document.createElement("p");
  words.textContent = type.description ?? "";
  details.append(summary, words, list);
  return details;
}

async function readSchema() {
  const { body } = await ask(SCHEMA, {});
  const types = (body.data?.__schema.types ?? []).filter((type) => !type.name.startsWith("__"));
  const first = ["Query", "Mutation", "Subscription", "Customer"];
  const place = (type) => (first.indexOf(type.name) + first.length + 1) % (first.length + 1);
  types.sort((one, other) => place(one) - place(other) || one.name.localeCompare(other.name));
  element("types").replaceChildren(...types.map(describe));
  if (!types.length) element("types").textContent = "The schema is not shown here.";
}

function find() {
  const wanted = element("search").value.trim().toLowerCase();
  for (const details of element("types").querySelectorAll("details")) {
    details.hidden = wanted !== "" && !details.textContent.toLowerCase().includes(wanted);
  }
}

async function begin() {
  const [query, variables] = JSON.parse(sessionStorage.getItem(KEPT) ?? "null") ?? [EXAMPLE, '{ "id": "Customer_1" }'];
  element("query").value = query;
  element("variables").value = variables;
  element("run").addEventListener("click", run);
  element("search").addEventListener("input", find);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
  });
  const answer = await fetch("/session");
  if (!answer.ok) {
    element("who").textContent = "Not signed in: paste a token, or sign in on the page first.";
    return;
  }
  const session = await answer.json();
  csrfToken = session.csrfToken;
  element("who").textContent = `Signed in as ${session.name}`;
  await readSchema();
}

begin();
