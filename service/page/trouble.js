// What can go wrong between this page and the service, by what the page does about it.

/** Nobody answered: the network or the service is away. */
export class Offline extends Error {}

/** The session has ended, or there never was one. */
export class SignedOut extends Error {}

/** The service answered, but not with what was asked for. Its message can be shown; `argument` is what it disliked. */
export class Refused extends Error {
  constructor(message, { code, argument } = {}) {
    super(message);
    this.code = code;
    this.argument = argument;
  }
}
