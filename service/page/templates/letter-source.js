// A letter's source as the editor has it, what the API is given of it, and the letter that a new template starts with.
import { sampleOf } from "./merge-fields.js";

const STARTER = {
  MJML: `<mjml>
  <mj-body>
    <mj-section>
      <mj-column>
        <mj-text font-size="20px">Hello {{ customer.name|default("there") }}</mj-text>
        <mj-text>Write your letter here.</mj-text>
        <mj-text font-size="12px">{{ postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>
`,
  HTML: `<html>
  <body>
    <h1>Hello {{ customer.name|default("there") }}</h1>
    <p>Write your letter here.</p>
    <p>{{ postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>
  </body>
</html>
`,
};

const COMPARED = ["name", "subject", "kind", "source", "text", "locale"];

/** A letter to begin with: `subject` in the reader's language. */
export const newLetter = (subject, kind = "MJML") => ({ name: "", subject, kind, source: STARTER[kind], text: "", locale: "en", sample: {} });

/** Whether nothing was written yet but what a new template starts with. */
export const isStarter = (letter) => letter.source === STARTER[letter.kind];

/** A published version as a letter. */
export const letterOf = (name, { subject, kind, mjml, html, text, locale, sampleData }) => ({
  name, subject, kind, source: (kind === "MJML" ? mjml : html) ?? "", text: text ?? "", locale, sample: sampleOf(sampleData),
});

/** Whether two letters would be published as the same. */
export const same = (one, other) =>
  COMPARED.every((each) => one[each] === other[each]) && JSON.stringify(sorted(one.sample)) === JSON.stringify(sorted(other.sample));

const sorted = (sample) => Object.entries(sample).filter(([, value]) => value !== "").sort(([one], [other]) => (one < other ? -1 : 1));

/** The letter as `CreateTemplateInput`. */
export const inputOf = ({ name, subject, kind, source, text, locale, sample }) => ({
  name, subject, locale,
  mjml: kind === "MJML" ? source : null,
  html: kind === "HTML" ? source : null,
  text: text.trim() ? text : null,
  sampleData: Object.fromEntries(sorted(sample)),
});
