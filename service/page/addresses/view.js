// Addresses: what cannot be mailed, why, and what to do.
import { Addresses } from "./addresses.js";

export const open = (place, app) => new Addresses(place, app);
