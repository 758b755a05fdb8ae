// The sign-in form, as a page of its own or as a dialog over a page whose session has ended.
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { signIn } from "./session.js";
import { Offline } from "./errors.js";

let fault = null;
let busy = false;

async function submit(event, { changed, done }) {
  event.preventDefault();
  const field = event.target.elements.namedItem("token");
  busy = true;
  fault = null;
  changed();
  try {
    await signIn(field.value.trim());
    field.value = "";
    done();
  } catch (error) {
    fault = error instanceof Offline ? "The service cannot be reached. Try again in a moment." : error.message;
    field.focus();
  }
  busy = false;
  changed();
}

/** The form; `done()` is called after signing in. `ended`: the session has ended, else there was none. */
export const signInForm = ({ ended, changed, done }) => html`<form class="sign-in" @submit=${(event) => submit(event, { changed, done })}>
  <h1 id="sign-in-heading">${ended ? "Your session has ended" : "Customer Emails"}</h1>
  <p>${ended
    ? "Sign in again, and you go on where you were."
    : "What was mailed to each customer, what the mail server answered, and what the customer did with it."}</p>
  <label for="token">API token</label>
  <input id="token" name="token" type="password" required autocomplete="off" spellcheck="false" maxlength="256"
    aria-describedby="token-fault token-hint" aria-invalid=${fault ? "true" : "false"} autofocus>
  <p id="token-fault" class="fault" role="alert">${fault ?? nothing}</p>
  <button type="submit" class="button primary" ?disabled=${busy}>${busy ? "Signing in …" : "Sign in"}</button>
  <p id="token-hint" class="hint">Or open a one-time link. Whoever runs this service makes one with
    <code>python -m service login-link</code>; <code>make run</code> prints one.</p>
</form>`;
