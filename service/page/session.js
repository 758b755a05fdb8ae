// Who is signed in: GET and POST /session, POST /logout. The cookie is httpOnly; this page holds the CSRF token alone.
import { Offline, Refused, SignedOut } from "./trouble.js";

let current = null;

/** `{ name, csrfToken, expiresAt }`, or null when signed out. */
export const session = () => current;

/** Asks who is signed in. Raises SignedOut or Offline. */
export async function openSession() {
  return remember(await request("/session"));
}

/** Signs in with an API token. Raises Refused when it is not a living one. */
export async function signIn(token) {
  const headers = { "Content-Type": "application/json" };
  const answer = await request("/session", { method: "POST", headers, body: JSON.stringify({ token }) });
  if (answer.status === 401) throw new Refused("This token is not known, or was revoked.", { code: "UNAUTHENTICATED" });
  return remember(answer);
}

/** Ends the session, here and in the service. Raises Offline, or Refused when it lives on. */
export async function signOut() {
  let status = await endSession();
  if (status === 403) {
    // Another tab of this browser has signed in anew: the cookie is its, and so is the token.
    await openSession().catch(unlessSignedOut);
    status = await endSession();
  }
  if (status !== 204 && status !== 401) throw new Refused("You are still signed in: the service could not end the session. Try again in a moment.");
  current = null;
}

async function endSession() {
  return (await request("/logout", { method: "POST", headers: { "X-CSRF-Token": current?.csrfToken ?? "" } })).status;
}

function unlessSignedOut(error) {
  if (!(error instanceof SignedOut)) throw error;
}

/** Forgets the session: an answer said that it has ended. */
export function forgetSession() {
  current = null;
}

async function remember(answer) {
  if (answer.status === 401) {
    current = null;
    throw new SignedOut();
  }
  if (!answer.ok) throw new Refused("The service cannot tell who is signed in just now. Try again in a moment.");
  current = await answer.json();
  return current;
}

/** A fetch that raises Offline when nobody answers. */
export async function request(path, options = {}) {
  try {
    return await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Offline();
  }
}
