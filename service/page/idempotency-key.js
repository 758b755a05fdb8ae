// The key by which the API knows that a call is the same one again.

/** A key that this page does not use again, 128 random bits: where there is no TLS, a browser has no `randomUUID`. */
export const newKey = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (each) => each.toString(16).padStart(8, "0")).join("");
