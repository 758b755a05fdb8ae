// Drafts of templates, kept in this browser: a letter that was changed and not published yet.

const PREFIX = "template-draft:";
const TEXTS = ["name", "subject", "source", "text", "locale"];

/** Whether what was kept is a draft: an earlier release may have kept something else. */
const fits = (found) =>
  TEXTS.every((each) => typeof found?.letter?.[each] === "string") && ["MJML", "HTML"].includes(found.letter.kind)
  && typeof found.letter.sample === "object" && Number.isInteger(found.base);

/** The draft of a template (or `new`): `{ letter, base, at }`, `base` the version it was begun from; null for none. */
export function keptDraft(id, storage = localStorage) {
  try {
    const found = JSON.parse(storage.getItem(PREFIX + id));
    return found && fits(found) ? found : null;
  } catch {
    return null;
  }
}

/** Keeps a draft; false when the browser keeps nothing more. */
export function keepDraft(id, draft, storage = localStorage) {
  try {
    storage.setItem(PREFIX + id, JSON.stringify(draft));
    return true;
  } catch {
    return false;
  }
}

/** Forgets a draft. */
export function forgetDraft(id, storage = localStorage) {
  try {
    storage.removeItem(PREFIX + id);
  } catch {
    // A browser that keeps nothing has nothing to forget.
  }
}

/** Which templates have a draft. */
export function draftIds(storage = localStorage) {
  try {
    return new Set(Object.keys(storage).filter((key) => key.startsWith(PREFIX)).map((key) => key.slice(PREFIX.length)));
  } catch {
    return new Set();
  }
}
