// What the editor of templates uses of CodeMirror 6: `build.sh` makes ../codemirror.js of it.
import { cssLanguage } from "@codemirror/lang-css";
import { LRLanguage, LanguageSupport, foldNodeProp, indentNodeProp } from "@codemirror/language";
import { configureNesting, parser } from "@lezer/html";

export { autocompletion, completionKeymap } from "@codemirror/autocomplete";
export { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
export { HighlightStyle, bracketMatching, ensureSyntaxTree, syntaxHighlighting, syntaxTree } from "@codemirror/language";
export { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
export { MergeView, unifiedMergeView } from "@codemirror/merge";
export { Compartment, EditorState } from "@codemirror/state";
export { EditorView, drawSelection, highlightActiveLine, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
export { tags } from "@lezer/highlight";

/** CSS within `<style>` and `style="..."`. @codemirror/lang-html would bring JavaScript, which no mail program runs. */
const css = configureNesting(
  [{ tag: "style", parser: cssLanguage.parser }],
  [{ name: "style", parser: cssLanguage.parser.configure({ top: "Styles" }) }],
);

const indented = {
  Element: (context) => {
    const after = /^(\s*)(<\/)?/.exec(context.textAfter);
    if (context.node.to <= context.pos + after[0].length) return context.continue();
    return context.lineIndent(context.node.from) + (after[2] ? 0 : context.unit);
  },
};

const folded = {
  Element: (node) => {
    const [first, last] = [node.firstChild, node.lastChild];
    if (!first || first.name !== "OpenTag") return null;
    return { from: first.to, to: last.name === "CloseTag" ? last.from : node.to };
  },
};

const languages = Object.fromEntries(["MJML", "HTML"].map((kind) => [kind, LRLanguage.define({
  name: kind.toLowerCase(),
  parser: parser.configure({
    // Of MJML, `<mj-image />` is a whole element; HTML takes no notice of the slash.
    dialect: kind === "MJML" ? "selfClosing" : "",
    wrap: css,
    props: [indentNodeProp.add(indented), foldNodeProp.add(folded)],
  }),
  languageData: { commentTokens: { block: { open: "<!--", close: "-->" } }, indentOnInput: /^\s*<\/\w+\W$/ },
})]));

/** The language of a letter's source: `MJML` or `HTML`. */
export const letterLanguage = (kind) => new LanguageSupport(languages[kind]);
