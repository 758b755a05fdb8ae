// The session: GET and POST /session, POST /logout. The cookie is httpOnly; the page holds only the CSRF token.
import { Offline, Refused, SignedOut } from "./errors.js";
import { said } from "./language.js";

let current = null;

/** `{ name, csrfToken, expiresAt, readOnly, content }` (content: whether it may see the mail itself), or null when signed out. */
export const session = () => current;

/** Reads the session. Throws SignedOut or Offline. */
export async function openSession() {
  return remember(await request("/session"));
}

/** Signs in with an API token. Throws Refused when the token is not valid. */
export async function signIn(token) {
  const headers = { "Content-Type": "application/json" };
  const answer = await request("/session", { method: "POST", headers, body: JSON.stringify({ token }) });
  if (answer.status === 401) throw new Refused(said.shell.session.unknownToken, { code: "UNAUTHENTICATED" });
  return remember(answer);
}

/** Ends the session. Throws Offline, or Refused when the service could not end it. */
export async function signOut() {
  let status = await endSession();
  if (status === 403) {
    // Another tab of this browser has signed in: the cookie, and so the CSRF token, is that session's.
    await openSession().catch(unlessSignedOut);
    status = await endSession();
  }
  if (status !== 204 && status !== 401) throw new Refused(said.shell.session.notEnded);
  current = null;
}

async function endSession() {
  return (await request("/logout", { method: "POST", headers: { "X-CSRF-Token": current?.csrfToken ?? "" } })).status;
}

function unlessSignedOut(error) {
  if (!(error instanceof SignedOut)) throw error;
}

/** Drops the session after a 401. */
export function forgetSession() {
  current = null;
}

async function remember(answer) {
  if (answer.status === 401) {
    current = null;
    throw new SignedOut();
  }
  // The words may not be loaded yet: the page says what it says of any error then.
  if (!answer.ok) throw new Refused(said.shell?.session.notRead ?? "");
  current = await answer.json();
  return current;
}

/** Octets of requests that a browser lets outlive their page: 64 KiB of all together. */
const KEPT_ALIVE = 30_000;

/** A fetch that throws Offline when there is no response. While the page is hidden, it may be gone before the answer is. */
export async function request(path, options = {}) {
  const keepalive = document.hidden && typeof options.body === "string" && options.body.length < KEPT_ALIVE;
  try {
    return await fetch(path, { credentials: "same-origin", ...(keepalive && { keepalive }), ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Offline();
  }
}
