// Messages: the list of all, or one message as a page. Each is loaded when it is opened.
import { withWords } from "../language.js";

export async function open(place, app) {
  if (!place.path.length) {
    const { MessageList } = await withWords(import("./message-list.js"), "messages", "message");
    return new MessageList(place, app);
  }
  const { MessagePage } = await withWords(import("./message-page.js"), "messages", "message");
  return new MessagePage(place, app);
}
