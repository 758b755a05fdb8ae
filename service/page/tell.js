// What has been done, said in one line; with Undo where it can be undone.

/** Says `text`; `undo` is async, null where the API has no way back. */
export function tell(app, text, undo = null) {
  if (undo && app.undoable) app.undoable(text, undo);
  else app.announce(text);
}
