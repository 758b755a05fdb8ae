// The sign-in form, as a page of its own or as a dialog over a page whose session has ended.
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { signIn } from "./session.js";
import { Offline } from "./errors.js";
import { said } from "./language.js";

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
    fault = error instanceof Offline ? said.shell.session.away : error.message;
    field.focus();
  }
  busy = false;
  changed();
}

/** The form; `done()` is called after signing in. `ended`: the session has ended, else there was none. */
export const signInForm = ({ ended, changed, done }) => html`<form class="sign-in" @submit=${(event) => submit(event, { changed, done })}>
  <h1 id="sign-in-heading">${ended ? said.shell.session.ended : said.shell.product}</h1>
  <p>${ended ? said.shell.session.endedWhy : said.shell.session.about}</p>
  <label for="token">${said.shell.session.token}</label>
  <input id="token" name="token" type="password" required autocomplete="off" spellcheck="false" maxlength="256"
    aria-describedby="token-fault token-hint" aria-invalid=${fault ? "true" : "false"} autofocus>
  <p id="token-fault" class="fault" role="alert">${fault ?? nothing}</p>
  <button type="submit" class="button primary" ?disabled=${busy}>${busy ? said.shell.session.signingIn : said.shell.signIn}</button>
  <p id="token-hint" class="hint">${said.shell.session.link(html`<code>python -m service login-link</code>`, html`<code>make run</code>`)}</p>
</form>`;
