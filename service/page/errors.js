// Errors between this page and the service, by how the page handles them.

/** There was no response: the network or the service is down. */
export class Offline extends Error {}

/** There is no session, or it has ended. */
export class SignedOut extends Error {}

/**
 * The service returned an error. Its message can be shown; `argument` is the one it refused, `userErrors` a mutation's:
 * `{ message, code, field }` each, as far as they were asked for.
 */
export class Refused extends Error {
  constructor(message, { code, argument } = {}, userErrors = []) {
    super(message);
    this.code = code;
    this.argument = argument;
    this.userErrors = userErrors;
  }
}
