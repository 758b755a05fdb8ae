// The page's entry: sign-in state, the view for the current URL, and rendering.
import { html, nothing, render } from "./vendor/lit-html/lit-html.js";
import { readAddress, viewOf, writeAddress } from "./address.js";
import { masthead } from "./masthead.js";
import { momentWidth } from "./moments.js";
import { failure, notice, skeleton } from "./notices.js";
import { openSession, session, signOut } from "./session.js";
import { signInForm } from "./sign-in.js";
import { Offline, SignedOut } from "./errors.js";
import { loadLanguage, said } from "./language.js";
import { navigation } from "./navigation.js";
import { loadView, VIEWS } from "./views.js";

/** Between two checks whether the service is back. */
const RETRY_MS = 3_000;
/** The state of a history entry whose popover was opened over the view of the entry before it. */
const OVER = "over";

const root = document.getElementById("page");
const announcement = document.getElementById("announcement");
let place = readAddress(new URL(location.href));
let page = null;
/** `opening`, `in`, `out` (signed out), `ended` (the session has ended) or `broken`. */
let state = "opening";
/** Why the session could not be read. */
let openError = null;
/** Why the view's module could not be loaded. */
let viewError = null;
let offline = false;
/** Why signing out failed. */
let signOutError = null;
let retryTimer = null;
let drawPlanned = false;
/** Ids of elements to focus after the next rendering: the first that exists gets the focus. */
let focusNext = [];
/** From `history.back()` until its popstate: a second Escape in between would leave the page. */
let goingBack = false;

const app = {
  /** Render again, once for all changes of this task. */
  changed() {
    if (drawPlanned) return;
    drawPlanned = true;
    queueMicrotask(draw);
  },

  /** Navigate: change the URL by `change`. `over` marks a popover over the view, which `goBack` closes. */
  go(change, { replace = false, scroll = true, over = false } = {}) {
    arrive({ ...place, ...change }, { scroll });
    if (replace) history.replaceState(history.state, "", writeAddress(place));
    else history.pushState(over ? OVER : null, "", writeAddress(place));
  },

  /** Change the query of the address: a value of null leaves its name out. */
  query(change, options) {
    const query = Object.fromEntries(Object.entries({ ...place.query, ...change }).filter(([, value]) => value !== null));
    app.go({ query }, options);
  },

  /** Close a popover: back in the history, or by `change` where a link opened it. */
  goBack(change) {
    if (goingBack) return;
    goingBack = history.state === OVER;
    if (goingBack) history.back();
    else app.go(change, { replace: true });
  },

  /** Follow a link within this page; the browser handles clicks with a modifier. `left` is `app.left` after Back. */
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

  /** Whether the service is unreachable. */
  get offline() {
    return offline;
  },

  /** The state in which this history entry was left, or null. */
  get left() {
    return history.state?.left ?? null;
  },

  toList: (event) => app.follow(event, { view: "customers", search: "" }),

  /** `@click` of a link to a place of this page. */
  to: (there) => (event) => app.follow(event, there),

  get place() {
    return place;
  },

  /** Announce a text to screen readers. */
  announce(text) {
    announcement.textContent = text;
  },

  /** Wraps a call so that it also tracks the end, or the return, of the session and the network. */
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
  viewError = null;
  if (page?.shows(there)) {
    page.arrive(there, options);
  } else {
    page?.leave();
    page = null;
    signOutError = null;
    if (there.view !== "nowhere") openView(there, options);
  }
  app.changed();
}

async function openView(there, options) {
  try {
    const { open: made } = await loadView(viewOf(there));
    // The reader may have gone on while the module was loaded.
    if (place !== there || (state !== "in" && state !== "ended")) return;
    page = made(there, app);
    page.arrive(there, options);
  } catch (error) {
    if (place === there) viewError = error;
  }
  app.changed();
}

function ended() {
  state = state === "in" || state === "ended" ? "ended" : "out";
  app.changed();
}

function lost() {
  offline = true;
  clearTimeout(retryTimer);
  retryTimer = setTimeout(check, RETRY_MS);
  app.changed();
}

/** The page is visible again: a session may have been opened in another tab. */
async function wake() {
  if (document.hidden || state !== "out") return;
  try {
    await openSession();
    enter();
  } catch {
    // Still signed out or offline: the form stays.
  }
}

async function check() {
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
  clearTimeout(retryTimer);
  app.announce("The service is back");
  resume();
}

function resume() {
  if (state !== "in" || !page) enter();
  else page.resume();
  app.changed();
}

/** Signed in: show the view of the URL, or resume it. */
function enter() {
  const fresh = state !== "ended" || !page;
  if (state === "out") focusNext = ["search", "main"];
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
    openError = error;
    if (error instanceof Offline) lost();
  }
  app.changed();
}

async function leave() {
  signOutError = null;
  try {
    await signOut();
  } catch (error) {
    if (error instanceof Offline) return lost();
    signOutError = error.message;
    return app.changed();
  }
  page?.leave();
  page = null;
  place = readAddress(new URL("/", location.href));
  history.replaceState(null, "", "/");
  state = "out";
  focusNext = ["token"];
  app.announce("Signed out");
  return app.changed();
}

const form = () => signInForm({ ended: state === "ended", changed: app.changed, done: enter });

function content() {
  if (state === "opening") return skeleton();
  if (state === "broken") return failure(openError, open);
  if (state === "out") return form();
  if (place.view === "nowhere") {
    return notice({ level: 1, heading: "There is no such page", text: "The web address may be mistyped, or cut off.",
      action: html`<a class="button" href="/" @click=${app.to({ view: "worklist", path: [], query: {} })}>${said.shell.toWorklist}</a>` });
  }
  if (viewError) return failure(viewError, () => arrive(place));
  return page?.view() ?? skeleton();
}

function draw() {
  drawPlanned = false;
  const title = page?.title ?? (state === "out" ? "Sign in" : null);
  document.title = title ? `${title} – Customer Emails` : "Customer Emails";
  render(html`${masthead({ session: state === "in" ? session() : null, toStart: app.to({ view: "worklist", path: [], query: {} }), leave })}
    ${offline ? html`<p class="banner" role="status">The service cannot be reached. What you see may be out of date; it is tried again every few seconds.</p>` : nothing}
    ${signOutError ? html`<p class="banner" role="alert">${signOutError}</p>` : nothing}
    ${state === "in" || state === "ended" ? navigation({ current: viewOf(place), app }) : nothing}
    <main id="main" tabindex="-1">${content()}</main>
    <dialog class="signed-out" aria-labelledby="sign-in-heading" closedby="none" @cancel=${(event) => event.preventDefault()} @close=${app.changed}>${
      state === "ended" ? form() : nothing}</dialog>`, root);
  showDialog(root.querySelector("dialog.signed-out"));
  focusNext.map((id) => document.getElementById(id)).find(Boolean)?.focus();
  focusNext = [];
  page?.drawn(root);
}

/** Keep the sign-in dialog open while the session has ended: a browser may close any dialog. */
function showDialog(dialog) {
  if (state === "ended" && !dialog.open) dialog.showModal();
  if (state === "ended" || !dialog.open) return;
  dialog.close();
  // The browser restores the focus, unless its element is gone.
  if (document.activeElement === document.body) document.getElementById("main").focus({ preventScroll: true });
}

/** Columns of dates are as wide as the reader's language needs, in rem: the text may be enlarged. */
function fitDates() {
  const { font } = getComputedStyle(document.body);
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  document.documentElement.style.setProperty("--when", `${momentWidth(font) / rem}rem`);
}

fitDates();
history.scrollRestoration = "manual";
window.addEventListener("popstate", () => {
  goingBack = false;
  if (state === "in" || state === "ended") arrive(readAddress(new URL(location.href)));
});
document.addEventListener("visibilitychange", wake);
window.addEventListener("online", () => offline && check());
await loadLanguage();
open();
