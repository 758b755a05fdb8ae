// Criteria as rows that one fills in, and as the API takes them: every group must hold, and in a group one rule suffices.

/** As the API has them. */
export const MAX_GROUPS = 10;
export const MAX_RULES_OF_GROUP = 20;
export const MAX_RULES = 30;

/** What a row is about: the customer's own fields, and the other kinds of rules. */
export const FIELDS = ["NAME", "EXTERNAL_REF", "DOMAIN", "LOCALE", "TIME_ZONE"];
export const HAPPENINGS = ["MAILED", "ACCEPTED", "FAILED", "OPENED", "CLICKED", "REPLIED"];
export const SUBJECTS = [...FIELDS, "ATTRIBUTE", "TAG", "MEMBER", "OPT_OUT", ...HAPPENINGS];
export const TEXT_OPERATORS = ["isOneOf", "startsWith", "contains", "isSet"];
export const ATTRIBUTE_OPERATORS = [...TEXT_OPERATORS, "atLeast", "atMost", "isTrue", "isFalse", "withinDays"];
export const OPT_OUT_KINDS = ["MARKETING", "EVENT_BASED"];

let keys = 0;

/** An empty row. `values` are texts; `name` is of a value of one's own; `target` a list `{ id, text }`. */
export const newRule = (subject = "DOMAIN") => ({
  key: `r${++keys}`, subject, operator: "isOneOf", values: "", name: "", target: null, kind: "MARKETING", days: "", times: 1, not: false, rest: null,
});

export const newGroup = () => ({ key: `g${++keys}`, rules: [newRule()] });

export const countOf = (groups) => groups.reduce((sum, { rules }) => sum + rules.length, 0);

const textsOf = (values) => values.split(/[,;\n]/).map((each) => each.trim()).filter(Boolean);

function matchOf({ operator, values }) {
  if (operator === "isOneOf") return { isOneOf: textsOf(values) };
  if (operator === "isSet") return { isSet: true };
  return { [operator]: values.trim() };
}

function attributeMatch(rule) {
  const { operator, values } = rule;
  if (operator === "atLeast" || operator === "atMost") return { number: { [operator]: values.trim() } };
  if (operator === "isTrue" || operator === "isFalse") return { isTrue: operator === "isTrue" };
  if (operator === "withinDays") return { time: { withinDays: Number(values) } };
  return { text: matchOf(rule) };
}

/** One rule of `ListCriteriaInput`. What the row does not show of a rule that was read stays in it. */
function ruleInput(rule) {
  const { subject, not } = rule;
  if (FIELDS.includes(subject)) return { field: { name: subject, matches: matchOf(rule), not } };
  if (subject === "ATTRIBUTE") return { attribute: { name: rule.name.trim(), matches: attributeMatch(rule), not } };
  if (subject === "TAG") return { tag: { isOneOf: textsOf(rule.values), not } };
  if (subject === "MEMBER") return { member: { listId: rule.target.id, not } };
  if (subject === "OPT_OUT") return { optOut: { kind: rule.kind, not } };
  const when = rule.days ? { withinDays: Number(rule.days) } : (rule.rest?.when ?? null);
  return { mail: { ...rule.rest, happened: subject, times: Number(rule.times) || 1, when, not } };
}

/** Whether everything that the row needs is there. */
export function complete({ subject, operator, values, name, target }) {
  if (subject === "MEMBER") return Boolean(target);
  if (subject === "OPT_OUT" || HAPPENINGS.includes(subject)) return true;
  if (subject === "ATTRIBUTE" && !name.trim()) return false;
  if (subject !== "TAG" && ["isSet", "isTrue", "isFalse"].includes(operator)) return true;
  return Boolean(textsOf(values).length);
}

/** `ListCriteriaInput`; null while a row is not filled in. */
export function criteriaInput(groups) {
  if (!groups.length || groups.some(({ rules }) => !rules.length || !rules.every(complete))) return null;
  return { allOf: groups.map(({ rules }) => ({ anyOf: rules.map(ruleInput) })) };
}

function textRow({ isOneOf, startsWith, contains, isSet }) {
  if (isOneOf) return { operator: "isOneOf", values: isOneOf.join(", ") };
  if (startsWith != null) return { operator: "startsWith", values: startsWith };
  if (contains != null) return { operator: "contains", values: contains };
  return { operator: "isSet", not: isSet === false };
}

function attributeRow({ text, number, isTrue, time }) {
  if (text) return textRow(text);
  if (isTrue != null) return { operator: isTrue ? "isTrue" : "isFalse" };
  if (time?.withinDays) return { operator: "withinDays", values: String(time.withinDays) };
  // A span between two ends has no row.
  if (!number || (number.atLeast != null && number.atMost != null)) return null;
  return number.atLeast != null ? { operator: "atLeast", values: String(number.atLeast) } : { operator: "atMost", values: String(number.atMost) };
}

function rowOf(rule) {
  const [[type, given]] = Object.entries(rule).filter(([, value]) => value);
  const row = { ...newRule(), not: Boolean(given.not) };
  if (type === "tag") return { ...row, subject: "TAG", values: given.isOneOf.join(", ") };
  if (type === "member") return { ...row, subject: "MEMBER", target: { id: given.listId, text: null } };
  if (type === "optOut") return { ...row, subject: "OPT_OUT", kind: given.kind };
  if (type === "mail") {
    const { happened, not, times, ...rest } = given;
    return { ...row, subject: happened, times: times ?? 1, days: String(given.when?.withinDays ?? ""), rest };
  }
  const shown = type === "field" ? textRow(given.matches) : attributeRow(given.matches);
  if (!shown) return null;
  const turned = { ...row, ...shown, not: Boolean(given.not) !== Boolean(shown.not) };
  return type === "field" ? { ...turned, subject: given.name } : { ...turned, subject: "ATTRIBUTE", name: given.name };
}

/** Criteria of the API as rows; null when one of their rules has no row: then they are shown in words alone. */
export function rowsOf({ allOf }) {
  const groups = allOf.map(({ anyOf }) => ({ ...newGroup(), rules: anyOf.map(rowOf) }));
  return groups.every(({ rules }) => rules.every(Boolean)) ? groups : null;
}
