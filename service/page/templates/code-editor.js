// The editor of a letter's source, and the comparison of two: CodeMirror in a shadow root, loaded when it is needed.
import { fieldBefore } from "./merge-fields.js";

/** Tags that do not fit, named at most. */
const MOST_MISFITS = 20;
/** For reading the whole source, after a pause in typing. */
const PARSE_MS = 50;

const load = () => import("../vendor/codemirror/codemirror.js");

/** Colours by the page's tokens, which a shadow tree inherits. */
const THEME = {
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--surface)", fontSize: "0.8125rem" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55", overflow: "auto" },
  ".cm-content": { caretColor: "var(--ink)", padding: "0.5rem 0" },
  ".cm-gutters": { color: "var(--ink-soft)", backgroundColor: "var(--surface)", border: "0", borderInlineEnd: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--pick) 45%, transparent)" },
  ".cm-cursor": { borderInlineStartColor: "var(--ink)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--pick)" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "var(--pick)", outline: "1px solid var(--line-strong)" },
  ".cm-tooltip": { color: "var(--ink)", backgroundColor: "var(--raised)", border: "1px solid var(--line-strong)", borderRadius: "6px" },
  ".cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)" },
  ".cm-tooltip-autocomplete > ul > li": { padding: "0.25rem 0.5rem" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { color: "var(--on-act)", backgroundColor: "var(--act)" },
  ".cm-completionDetail": { color: "inherit", fontStyle: "normal", marginInlineStart: "1em", fontFamily: "var(--font)" },
  ".cm-diagnostic": { fontFamily: "var(--font)", maxWidth: "32rem", borderInlineStartWidth: "3px" },
  ".cm-diagnostic-warning": { borderInlineStartColor: "var(--amber)" },
  ".cm-diagnostic-error": { borderInlineStartColor: "var(--red)" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--amber) 1px" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--red) 1px" },
  // A triangle and an octagon: the same shapes as in the list below.
  ".cm-lint-marker": { width: "0.85em", height: "0.85em", content: "''" },
  ".cm-lint-marker-warning": { content: "''", backgroundColor: "var(--amber)", clipPath: "polygon(50% 5%, 100% 95%, 0 95%)" },
  ".cm-lint-marker-error": { content: "''", backgroundColor: "var(--red)", clipPath: "polygon(30% 0, 70% 0, 100% 30%, 100% 70%, 70% 100%, 30% 100%, 0 70%, 0 30%)" },
  // No green: what is in one of both is marked by its place.
  "&.cm-merge-a .cm-changedLineGutter, .cm-deletedLineGutter": { backgroundColor: "var(--red)" },
  "&.cm-merge-b .cm-changedLineGutter, .cm-changedLineGutter": { backgroundColor: "var(--amber)" },
  ".cm-changedLine, .cm-insertedLine": { backgroundColor: "var(--amber-ground) !important" },
  ".cm-deletedChunk": { backgroundColor: "var(--red-ground) !important" },
  ".cm-changedText, .cm-insertedLine .cm-changedText": { background: "none !important", textDecoration: "underline 2px var(--amber)" },
  ".cm-deletedText": { background: "none !important", textDecoration: "line-through var(--red)" },
};

const styles = (cm) => cm.HighlightStyle.define([
  { tag: [cm.tags.tagName, cm.tags.angleBracket], color: "var(--plot-2)" },
  { tag: [cm.tags.attributeName, cm.tags.propertyName], color: "var(--plot-3)" },
  { tag: [cm.tags.attributeValue, cm.tags.string, cm.tags.number, cm.tags.unit, cm.tags.color], color: "var(--ink)" },
  { tag: [cm.tags.comment, cm.tags.meta], color: "var(--ink-soft)", fontStyle: "italic" },
]);

/** What every view of a source has. */
const common = (cm, language, label) => [
  cm.lineNumbers(),
  cm.highlightSpecialChars(),
  cm.EditorView.lineWrapping,
  cm.EditorView.theme(THEME),
  cm.syntaxHighlighting(styles(cm)),
  language,
  cm.EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false", dir: "ltr", tabindex: "0" }),
];

/** An element in a new shadow root, or in the one that the host has: a style sheet is adopted there, as the policy allows. */
function inside(host) {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const parent = document.createElement("div");
  parent.style.height = "100%";
  root.replaceChildren(parent);
  return { root, parent };
}

/** Offers fields behind `{{`, and closes the brackets. */
const fieldSource = (offered) => (context) => {
  const line = context.state.doc.lineAt(context.pos);
  const found = fieldBefore(context.state.sliceDoc(line.from, context.pos));
  if (!found) return null;
  const apply = (view, { label }, from, to) => {
    const closed = /^\s*(\}\}|\|)/.test(view.state.sliceDoc(to, to + 8));
    const text = closed ? label : `${/\s$/.test(view.state.sliceDoc(from - 1, from)) ? "" : " "}${label} }}`;
    view.dispatch({ changes: { from, to, insert: text }, selection: { anchor: from + text.length }, userEvent: "input.complete" });
  };
  return { from: line.from + found.at, validFor: /^[\w.]*$/, options: offered().map(({ name, detail }) => ({ label: name, detail, type: "variable", apply })) };
};

/** Tags that are not closed, or close nothing: `[{ line, tag, closes }]`. */
function misfits(cm, state) {
  const found = [];
  (cm.ensureSyntaxTree(state, state.doc.length, PARSE_MS) ?? cm.syntaxTree(state)).iterate({
    enter: (node) => {
      if (found.length >= MOST_MISFITS) return false;
      if (node.name !== "MismatchedCloseTag" && node.name !== "MissingCloseTag") return undefined;
      const element = node.name === "MissingCloseTag" ? node.node.parent?.firstChild : node.node;
      const name = element?.getChild("TagName");
      if (name) found.push({ line: state.doc.lineAt(element.from).number, tag: state.sliceDoc(name.from, name.to), closes: element === node.node });
      return undefined;
    },
  });
  return found;
}

/**
 * Opens the editor in `host`. `changed(text)` after each change, `offered()` the fields as `[{ name, detail }]`,
 * `save()` for Ctrl S, `label` its name for screen readers. Tab leaves it, as everywhere on the page.
 */
export async function openCode(host, { text, kind, readOnly, label, changed, offered, save }) {
  const cm = await load();
  const { root, parent } = inside(host);
  const locked = new cm.Compartment();
  const lock = (value) => [cm.EditorState.readOnly.of(value), cm.EditorView.editable.of(!value), value ? cm.EditorView.contentAttributes.of({ "aria-readonly": "true" }) : []];
  const stateOf = (source, now) => cm.EditorState.create({
    doc: source,
    extensions: [
      ...common(cm, cm.letterLanguage(now.kind), label),
      cm.history(), cm.drawSelection(), cm.bracketMatching(), cm.highlightActiveLine(), cm.lintGutter(),
      // Behind `{{` a list is always wanted: Enter takes from it at once.
      cm.autocompletion({ override: [fieldSource(offered)], icons: false, interactionDelay: 0 }),
      cm.keymap.of([{ key: "Mod-s", preventDefault: true, run: () => { save(); return true; } }, ...cm.completionKeymap, ...cm.lintKeymap, ...cm.historyKeymap, ...cm.defaultKeymap]),
      locked.of(lock(now.readOnly)),
      cm.EditorView.updateListener.of((update) => { if (update.docChanged) changed(update.state.doc.toString()); }),
    ],
  });
  const view = new cm.EditorView({ state: stateOf(text, { kind, readOnly }), parent, root });
  return codeOf(cm, { view, stateOf, locked, lock });
}

function codeOf(cm, { view, stateOf, locked, lock }) {
  let marked = "[]";
  const at = (line) => view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines));
  return {
    /** Shows another source, with a history of its own. */
    show(text, now) {
      marked = "[]";
      view.setState(stateOf(text, now));
    },
    setReadOnly: (value) => view.dispatch({ effects: locked.reconfigure(lock(value)) }),
    misfits: () => misfits(cm, view.state),
    /** Marks lines in the margin. */
    mark(marks) {
      if (JSON.stringify(marks) === marked) return;
      marked = JSON.stringify(marks);
      const diagnostics = marks.filter(({ line }) => line <= view.state.doc.lines).map(({ line, severity, text }) => {
        const { from, to, text: written } = at(line);
        return { from: from + (written.length - written.trimStart().length), to, severity, message: text };
      });
      view.dispatch(cm.setDiagnostics(view.state, diagnostics));
    },
    /** Goes to a line, with the keyboard. */
    goTo(line) {
      const { from } = at(line);
      view.dispatch({ selection: { anchor: from }, effects: cm.EditorView.scrollIntoView(from, { y: "center" }) });
      view.focus();
    },
    close: () => view.destroy(),
  };
}

/** Shows what differs between two sources: side by side, or in one column. Returns a function that closes it. */
export async function openComparison(host, { before, after, kind, labels, narrow }) {
  const cm = await load();
  const { root, parent } = inside(host);
  const shared = (label) => [...common(cm, cm.letterLanguage(kind), label), cm.EditorState.readOnly.of(true), cm.EditorView.editable.of(false)];
  const collapseUnchanged = { margin: 3, minSize: 6 };
  if (narrow) {
    const extensions = [...shared(labels[1]), cm.unifiedMergeView({ original: before, mergeControls: false, collapseUnchanged, gutter: true })];
    const view = new cm.EditorView({ doc: after, extensions, parent, root });
    return () => view.destroy();
  }
  const view = new cm.MergeView({
    a: { doc: before, extensions: shared(labels[0]) }, b: { doc: after, extensions: shared(labels[1]) }, parent, root, collapseUnchanged, gutter: true,
  });
  return () => view.destroy();
}
