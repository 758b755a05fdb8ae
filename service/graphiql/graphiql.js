// GraphiQL over our /graphql: signed by the session, or by a token in its Headers; subscriptions as server-sent events.
/* global GraphiQL, React, ReactDOM */

const EXAMPLE = `# One customer's mail. Ctrl-Space completes, Ctrl-Enter runs.
query Emails($id: ID!) {
  customer(id: $id) {
    name
    emails {
      sent(first: 5) { nodes { campaignTitle subject sentAt openedAt info { colorHint status } } }
      clicks(first: 5) { nodes { clickedAt url verdict } }
      connectionNotes(first: 5) {
        nodes { occurredAt direction title info { colorHint status cause advice response { code text } } }
      }
    }
  }
}
`;

async function findSession() {
  const answer = await fetch("/session");
  return answer.ok ? answer.json() : null;
}

async function ask(parameters, headers, accept, signal) {
  // A token of one's own goes before the session.
  const session = Object.keys(headers).some((name) => name.toLowerCase() === "authorization") ? null : await signedIn;
  return fetch("/graphql", {
    method: "POST",
    signal,
    headers: {
      "Content-Type": "application/json",
      Accept: accept,
      ...(session && { "X-CSRF-Token": session.csrfToken }),
      ...headers,
    },
    body: JSON.stringify(parameters),
  });
}

// The results of a subscription, one after the other, until the server ends it or GraphiQL stops asking.
async function* follow(parameters, headers) {
  const leaving = new AbortController();
  try {
    const answer = await ask(parameters, headers, "text/event-stream", leaving.signal);
    if (!answer.headers.get("content-type")?.startsWith("text/event-stream")) {
      yield await answer.json();
      return;
    }
    let waiting = "";
    for await (const part of read(answer.body.pipeThrough(new TextDecoderStream()))) {
      const events = (waiting + part).split("\n\n");
      waiting = events.pop();
      for (const event of events) {
        const found = /^event: next\ndata: (.*)$/.exec(event);
        if (found) yield JSON.parse(found[1]);
      }
    }
  } finally {
    leaving.abort();
  }
}

// Not every browser iterates a stream itself.
async function* read(stream) {
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

async function fetcher(parameters, { headers = {} } = {}) {
  const answer = await ask(parameters, headers, "application/graphql-response+json");
  // Only a subscription is answered so: GraphiQL's own idea of the document may be a moment old.
  return answer.status === 406 ? follow(parameters, headers) : answer.json();
}

// Queries are kept for the next visit. Headers are not: GraphiQL's history would keep the token.
const HOLDS_HEADERS = /:(queries|favorites|tabState)$/;
const withoutHeaders = (value) => JSON.stringify(JSON.parse(value, (name, part) => (name === "headers" ? null : part)));
const storage = {
  getItem: (key) => localStorage.getItem(key),
  setItem: (key, value) => localStorage.setItem(key, HOLDS_HEADERS.test(key) ? withoutHeaders(value) : value),
  removeItem: (key) => localStorage.removeItem(key),
  clear: () => localStorage.clear(),
  get length() {
    return localStorage.length;
  },
};

const signedIn = findSession();
const session = await signedIn;
const who = session ? `Signed in as ${session.name}` : 'Not signed in: {"Authorization": "Bearer ce_…"} goes into Headers';
ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(
    GraphiQL,
    {
      fetcher,
      storage,
      defaultQuery: EXAMPLE,
      variables: '{ "id": "Customer_1" }',
      defaultEditorToolsVisibility: session ? "variables" : "headers",
      inputValueDeprecation: true,
      schemaDescription: true,
    },
    React.createElement(GraphiQL.Logo, null, React.createElement("span", { className: "who" }, who)),
  ),
);
