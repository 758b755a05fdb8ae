// What is wrong with a letter, in the order of its lines: the API's refusals and warnings, and tags that do not fit.

/** Problems listed at most: who has more mends these first. */
const MOST = 50;

/**
 * `[{ kind, line, text, where }]`: `kind` is `error` (it cannot be published), `stop` (a launch is refused) or
 * `warning`; `line` a number or null; `where` the field of a refusal. `tags` are `{ line, text }`.
 */
export function problemsOf({ userErrors = [], warnings = [], tags = [] }) {
  const refused = userErrors.map(({ message, field }) => ({ kind: "error", line: null, text: message, where: field[0] ?? null }));
  const warned = warnings.flatMap(({ message, blocking, lines }) => {
    const kind = blocking ? "stop" : "warning";
    return (lines.length ? lines : [null]).map((line) => ({ kind, line, text: message, where: null }));
  });
  const misfits = tags.map(({ line, text }) => ({ kind: "warning", line, text, where: null }));
  return [...refused, ...[...warned, ...misfits].sort(byLine)].slice(0, MOST);
}

/** What is of no line comes first: it is of the whole. */
const byLine = (one, other) => (one.line ?? 0) - (other.line ?? 0);

/** For the margin: the problems of each line as one, `{ line, severity, text }`. */
export function marksOf(problems) {
  return [...byLines(problems)].map(([line, those]) => ({
    line,
    severity: those.some(({ kind }) => kind !== "warning") ? "error" : "warning",
    text: [...new Set(those.map(({ text }) => text))].join(" "),
  }));
}

function byLines(problems) {
  const found = new Map();
  for (const each of problems) if (each.line) found.set(each.line, [...(found.get(each.line) ?? []), each]);
  return found;
}
