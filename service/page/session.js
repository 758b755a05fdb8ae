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

/** Ends the session, here and in the service. */
export async function signOut() {
  await request("/logout", { method: "POST", headers: { "X-CSRF-Token": current?.csrfToken ?? "" } });
  current = null;
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
