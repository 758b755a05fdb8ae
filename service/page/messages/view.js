// Messages: the list of all, or one message as a page.
import { MessageList } from "./message-list.js";
import { MessagePage } from "./message-page.js";

export const open = (place, app) => (place.path.length ? new MessagePage(place, app) : new MessageList(place, app));
