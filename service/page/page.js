// The page's entry: sign-in state, the view for the current URL, and rendering.
import { html, nothing, render } from "./vendor/lit-html/lit-html.js";
import { viewOf } from "./address.js";
import { Offline, SignedOut } from "./errors.js";
import { frame } from "./frame.js";
import { watchKeys } from "./keys.js";
import { loadLanguage, said } from "./language.js";
import { fitDates } from "./moments.js";
import { failure, noSuchPage, skeleton } from "./notices.js";
import { drawnActing, watchActing } from "./offline-buttons.js";
import { Overlays } from "./overlays.js";
import { Places } from "./places.js";
import { applyPreferences, onPreference } from "./preferences.js";
import { openSession, session, signOut } from "./session.js";
import { signInForm } from "./sign-in.js";
import { UndoLine } from "./undo-line.js";
import { appOfView } from "./view-app.js";
import { loadView } from "./views.js";
import { Waiting } from "./waiting.js";

/** Between two checks whether the service is back. */
const RETRY_MS = 3_000;

const root = document.getElementById("page");
const announcement = document.getElementById("announcement");
let page = null;
/** `opening`, `in`, `out` (signed out), `ended` (the session has ended) or `broken`. */
let state = "opening";
/** Why the session could not be read. */
let openError = null;
/** Why the view's module could not be loaded. */
let viewError = null;
let offline = false;
let signOutError = null;
let retryTimer = null;
let drawPlanned = false;
/** Ids of elements to focus once the view is drawn: the first that exists gets the focus. */
let focusNext = [];

const places = new Places((options) => arrive(options));
const undoLine = new UndoLine(() => app.changed(), () => waiting.start(), places.visit);
const overlays = new Overlays(() => app);

const app = {
  go: places.go,
  query: places.query,
  goBack: places.goBack,
  follow: places.follow,
  visit: places.visit,
  to: places.to,
  toWorklist: places.toWorklist,
  toList: places.toList,

  get left() {
    return places.left;
  },

  get place() {
    return places.current;
  },

  /** Render again, once for all changes of this task. */
  changed() {
    if (drawPlanned) return;
    drawPlanned = true;
    queueMicrotask(draw);
  },

  /** Whether the service is unreachable. */
  get offline() {
    return offline;
  },

  /** Whether this session may only read: actions are not rendered then. */
  get readOnly() {
    return Boolean(session()?.readOnly);
  },

  /** The view that is shown, or null. */
  get shown() {
    return page;
  },

  /** Say what was done, with Undo (key Z) until the next action: `undo()` is async, what it throws is said. */
  undoable: (text, undo, instead) => undoLine.undoable(text, undo, instead),

  /** The number of things that wait for a person, when a view has just read it. */
  noteWaiting: (count) => waiting.note(count),

  /** Open the command palette, or the help on keys. */
  openOverlay: (name) => overlays.open(name),

  signOut: () => leave(),

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

const waiting = new Waiting(app);

/** Show the current place. */
function arrive(options) {
  const there = places.current;
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
    if (places.current !== there || (state !== "in" && state !== "ended")) return;
    let own = null;
    own = await made(there, appOfView(app, () => own === null || page === own));
    if (places.current !== there) return own.leave();
    page = own;
    page.arrive(there, options);
  } catch (error) {
    if (places.current === there) viewError = error;
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
    return back();
  } catch (error) {
    if (!(error instanceof SignedOut)) return lost();
    offline = false;
    return ended();
  }
}

function back() {
  offline = false;
  clearTimeout(retryTimer);
  app.announce(said.shell.back);
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
  if (state === "out" || state === "ended") app.announce(said.shell.signedInAs(session().name));
  state = "in";
  if (fresh) arrive();
  else page.resume();
  waiting.start();
  app.changed();
}

/** `opened` is the session's promise when it is asked for already. */
async function open(opened = openSession()) {
  state = "opening";
  app.changed();
  try {
    await opened;
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
  waiting.stop();
  undoLine.close();
  places.restart();
  state = "out";
  focusNext = ["token"];
  app.announce(said.shell.signedOut);
  return app.changed();
}

const form = () => signInForm({ ended: state === "ended", changed: app.changed, done: enter });

function content() {
  if (state === "opening") return skeleton();
  if (state === "broken") return failure(openError, () => open());
  if (state === "out") return form();
  if (places.current.view === "nowhere") return noSuchPage(app.toWorklist);
  if (viewError) return failure(viewError, () => openSession().then(() => location.reload(), check));
  return page?.view() ?? skeleton();
}

function draw() {
  drawPlanned = false;
  const title = page?.title ?? (state === "out" ? said.shell.signIn : null);
  document.title = title ? `${title} – ${said.shell.product}` : said.shell.product;
  const signedIn = state === "in" || state === "ended";
  render(html`${frame({ app, session: signedIn ? session() ?? {} : null, current: viewOf(places.current), waiting: waiting.count, fault: signOutError, leave, content: content() })}
    ${undoLine.view()}${signedIn ? overlays.view() : nothing}
    <dialog class="signed-out" aria-labelledby="sign-in-heading" closedby="none" @cancel=${(event) => event.preventDefault()} @close=${app.changed}>${
      state === "ended" ? form() : nothing}</dialog>`, root);
  showDialog(root.querySelector("dialog.signed-out"));
  if (page || state !== "in" || viewError || places.current.view === "nowhere") {
    focusNext.map((id) => document.getElementById(id)).find(Boolean)?.focus();
    focusNext = [];
  }
  page?.drawn(root);
  overlays.drawn(root);
  drawnActing(root, offline);
}

/** Keep the sign-in dialog open while the session has ended: a browser may close any dialog. */
function showDialog(dialog) {
  if (state === "ended" && !dialog.open) dialog.showModal();
  if (state === "ended" || !dialog.open) return;
  dialog.close();
  // The browser restores the focus, unless its element is gone.
  if (document.activeElement === document.body) document.getElementById("main").focus({ preventScroll: true });
}

/** Preferences have changed: words, dates and looks are the chosen ones everywhere. */
async function renew() {
  await loadLanguage();
  fitDates();
  app.changed();
}

history.scrollRestoration = "manual";
window.addEventListener("popstate", () => {
  if (state === "in" || state === "ended") places.moved();
});
document.addEventListener("visibilitychange", wake);
window.addEventListener("online", () => offline && check());
applyPreferences();
// The session is asked for, and the view loaded, while the words are.
const opened = openSession();
opened.catch(() => {});
if (places.current.view !== "nowhere") loadView(viewOf(places.current)).catch(() => {});
await renew();
onPreference(renew);
watchKeys({ app, undoLine });
watchActing(app);
open(opened);
