// The only client of /graphql in the page: queries, mutations and subscriptions go through it.
import { forgetSession, openSession, request, session } from "./session.js";
import { Offline, Refused, SignedOut } from "./errors.js";
import { said } from "./language.js";

const PROTOCOL = "graphql-transport-ws";

/** Up to where this page has seen what was written, as the service names it where it reads from replicas. */
let seen;

const noteSeen = (extensions) => {
  seen = extensions?.consistency ?? seen;
};

/** Returns the data of one operation. Throws Offline, SignedOut or Refused. */
export const fetchData = async (document, variables, options) => (await run(document, variables, options)).data;

/**
 * Runs a mutation whose payload is named `done`; returns the payload. Throws Refused with all its `userErrors`:
 * their sentences as its message, and themselves as `userErrors`.
 */
export async function mutate(document, variables, options) {
  const { done } = await fetchData(document, variables, options);
  if (done.userErrors?.length) throw new Refused(done.userErrors.map((error) => error.message).join(" "), {}, done.userErrors);
  return done;
}

/** Runs one operation; returns `data` and `errors`: lists are nullable, so data may be partial. Throws like `fetchData`. */
export async function run(document, variables, { signal, again = true } = {}) {
  const answer = await request("/graphql", {
    method: "POST",
    signal,
    headers: {
      "Content-Type": "application/json",
      Accept: "application/graphql-response+json, application/json",
      "X-CSRF-Token": session()?.csrfToken ?? "",
      ...(seen && { Consistency: seen }),
    },
    body: JSON.stringify({ query: document, variables }),
  });
  if (answer.status === 401) {
    forgetSession();
    throw new SignedOut();
  }
  const { data, errors, extensions } = await readJson(answer);
  noteSeen(extensions);
  if (errors?.some((error) => error.extensions?.code === "CSRF_TOKEN_MISSING") && again) {
    // Another tab of this browser has signed in: the cookie, and so the CSRF token, is that session's.
    await openSession();
    return run(document, variables, { signal, again: false });
  }
  if (!data) throw new Refused(errors?.[0]?.message ?? said.shell.session.answered(answer.status), errors?.[0]?.extensions);
  return { data, errors };
}

async function readJson(answer) {
  try {
    return await answer.json();
  } catch {
    throw answer.status >= 500 ? new Offline() : new Refused(said.shell.session.answered(answer.status));
  }
}

/**
 * Subscribes over a WebSocket (graphql-transport-ws). `onData(data)` for each event, `onOpen()`, `onEnd()` when the
 * connection is lost or refused. Returns a function that ends the subscription.
 */
export function subscribe(document, variables, { onData, onOpen, onEnd }) {
  const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/graphql`, PROTOCOL);
  const send = (message) => socket.send(JSON.stringify(message));
  const handlers = {
    connection_ack() {
      send({ id: "changes", type: "subscribe", payload: { query: document, variables } });
      onOpen();
    },
    next({ payload }) {
      noteSeen(payload.extensions);
      if (payload.data) onData(payload.data);
    },
    ping: () => send({ type: "pong" }),
    error: () => socket.close(),
    complete: () => socket.close(),
  };
  socket.onopen = () => send({ type: "connection_init" });
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    handlers[message.type]?.(message);
  };
  socket.onclose = onEnd;
  return () => {
    socket.onclose = null;
    socket.close();
  };
}
