// The schema of the API, for tests that the page knows all of its values.
import { readFileSync } from "node:fs";

const schema = readFileSync(new URL("../../../../schema.graphql", import.meta.url), "utf8").replace(/"""[^]*?"""/g, "");

/** The values of an enum of the API. */
export const valuesOf = (name) => schema.match(new RegExp(`^enum ${name} \\{([^}]+)\\}`, "m"))[1].trim().split(/\s+/);
