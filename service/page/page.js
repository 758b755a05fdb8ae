// Where it begins: who is signed in, which view the address asks for, and one drawing after another.
import { html, nothing, render } from "./vendor/lit-html/lit-html.js";
import { readAddress, writeAddress } from "./address.js";
import { CustomerEmails } from "./customer-emails.js";
import { CustomerList } from "./customer-list.js";
import { masthead } from "./masthead.js";
import { failure, notice, skeleton } from "./notices.js";
import { openSession, session, signOut } from "./session.js";
import { signInForm } from "./sign-in.js";
import { Offline, SignedOut } from "./trouble.js";

/** Between two looks whether the service is back. */
const AGAIN_MS = 3_000;
/** The state of an address in the history at which a popover lies over the view before it. */
const OVER = "over";
const VIEWS = { customers: CustomerList, emails: CustomerEmails };

const root = document.getElementById("page");
const said = document.getElementById("said");
let place = readAddress(new URL(location.href));
let page = null;
/** `opening`, `in`, `out` (never was in), `ended` (was in) or `broken`. */
let state = "opening";
let trouble = null;
let offline = false;
/** Why somebody who wanted to sign out is still signed in. */
let stayed = null;
let again = null;
let planned = false;
/** Ids of what may have the keyboard after the next drawing: the first that is there gets it. */
let next = [];
/** From `history.back()` until it has happened: a second Escape in between would leave the page. */
let goingBack = false;

const app = {
  /** Draw again, once for all that has changed by then. */
  changed() {
    if (planned) return;
    planned = true;
    queueMicrotask(draw);
  },

  /** Move: the address changes by `change`. `over` marks something laid over the view, which `goBack` takes away. */
  go(change, { replace = false, scroll = true, over = false } = {}) {
    arrive({ ...place, ...change }, { scroll });
    if (replace) history.replaceState(history.state, "", writeAddress(place));
    else history.pushState(over ? OVER : null, "", writeAddress(place));
  },

  /** Back to before what lies over the view was opened; where it came by a link, `change` is made instead. */
  goBack(change) {
    if (goingBack) return;
    goingBack = history.state === OVER;
    if (goingBack) history.back();
    else app.go(change, { replace: true });
  },

  /** A click on a link of this page; with a modifier the browser has it. `left` is what `app.left` says after Back. */
  follow(event, there, left = null) {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (left) history.replaceState({ left }, "");
    const address = writeAddress(there);
    history.pushState(null, "", address);
    arrive(readAddress(new URL(address, location.href)));
    window.scrollTo(0, 0);
    document.getElementById("main").focus({ preventScroll: true });
  },

  /** Whether the service cannot be reached just now. */
  get offline() {
    return offline;
  },

  /** Where this entry of the history was left, if it was. */
  get left() {
    return history.state?.left ?? null;
  },

  toList: (event) => app.follow(event, { view: "customers", search: "" }),

  /** For those who hear the page. */
  announce(text) {
    said.textContent = text;
  },

  /** The same call, which also notices when the session or the network ends, or is back. */
  guard: (call) => async (...given) => {
    try {
      const found = await call(...given);
      if (offline) back();
      // Another tab has signed in, perhaps by a one-time link.
      if (state === "ended" && session()) enter();
      return found;
    } catch (error) {
      if (error instanceof SignedOut) ended();
      if (error instanceof Offline) lost();
      throw error;
    }
  },
};

function arrive(there, options) {
  place = there;
  if (!page?.shows(there)) {
    page?.leave();
    stayed = null;
    const View = VIEWS[there.view];
    page = View ? new View(there, app) : null;
  }
  page?.arrive(there, options);
  app.changed();
}

function ended() {
  state = state === "in" || state === "ended" ? "ended" : "out";
  app.changed();
}

function lost() {
  offline = true;
  clearTimeout(again);
  again = setTimeout(look, AGAIN_MS);
  app.changed();
}

/** Somebody looks at the page again who may have signed in elsewhere. */
async function wake() {
  if (document.hidden || state !== "out") return;
  try {
    await openSession();
    enter();
  } catch {
    // Still signed out, or away: the form stays.
  }
}

async function look() {
  try {
    await openSession();
    back();
  } catch (error) {
    if (error instanceof SignedOut) {
      offline = false;
      ended();
    } else {
      lost();
    }
  }
}

function back() {
  offline = false;
  clearTimeout(again);
  app.announce("The service is back");
  resume();
}

function resume() {
  if (state !== "in" || !page) enter();
  else page.resume();
  app.changed();
}

/** Somebody is signed in: show what the address asks for, or go on. */
function enter() {
  const fresh = state !== "ended" || !page;
  if (state === "out") next = ["search", "main"];
  if (state === "out" || state === "ended") app.announce(`Signed in as ${session().name}`);
  state = "in";
  if (fresh) arrive(place);
  else page.resume();
  app.changed();
}

async function open() {
  state = "opening";
  app.changed();
  try {
    await openSession();
    enter();
  } catch (error) {
    state = error instanceof SignedOut ? "out" : "broken";
    trouble = error;
    if (error instanceof Offline) lost();
  }
  app.changed();
}

async function leave() {
  stayed = null;
  try {
    await signOut();
  } catch (error) {
    if (error instanceof Offline) return lost();
    stayed = error.message;
    return app.changed();
  }
  page?.leave();
  page = null;
  place = { view: "customers", search: "" };
  history.replaceState(null, "", "/");
  state = "out";
  next = ["token"];
  app.announce("Signed out");
  return app.changed();
}

const form = () => signInForm({ ended: state === "ended", changed: app.changed, done: enter });

function content() {
  if (state === "opening") return skeleton();
  if (state === "broken") return failure(trouble, open);
  if (state === "out") return form();
  if (place.view === "nowhere") {
    return notice({ level: 1, heading: "There is no such page", text: "The address may be mistyped.",
      action: html`<a class="button" href="/" @click=${app.toList}>All customers</a>` });
  }
  return page?.view() ?? nothing;
}

function draw() {
  planned = false;
  const title = page?.title ?? (state === "out" ? "Sign in" : null);
  document.title = title ? `${title} – Customer Emails` : "Customer Emails";
  render(html`${masthead({ session: state === "in" ? session() : null, toList: app.toList, leave })}
    ${offline ? html`<p class="banner" role="status">The service cannot be reached. What you see may be out of date; it is tried again every few seconds.</p>` : nothing}
    ${stayed ? html`<p class="banner" role="alert">${stayed}</p>` : nothing}
    <main id="main" tabindex="-1">${content()}</main>
    <dialog class="signed-out" aria-labelledby="sign-in-heading" closedby="none" @cancel=${(event) => event.preventDefault()} @close=${app.changed}>${
      state === "ended" ? form() : nothing}</dialog>`, root);
  showDialog(root.querySelector("dialog.signed-out"));
  next.map((id) => document.getElementById(id)).find(Boolean)?.focus();
  next = [];
  page?.drawn(root);
}

/** Open while the session has ended, whatever closed it: a browser lets nobody hold a dialog open for ever. */
function showDialog(dialog) {
  if (state === "ended" && !dialog.open) dialog.showModal();
  if (state === "ended" || !dialog.open) return;
  dialog.close();
  // The keyboard is back where it was, unless that is gone.
  if (document.activeElement === document.body) document.getElementById("main").focus({ preventScroll: true });
}

history.scrollRestoration = "manual";
window.addEventListener("popstate", () => {
  goingBack = false;
  if (state === "in" || state === "ended") arrive(readAddress(new URL(location.href)));
});
document.addEventListener("visibilitychange", wake);
window.addEventListener("online", () => offline && look());
open();
