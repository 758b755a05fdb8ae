// The templates: their list, and the editor of one.
import { TemplateEditor } from "./template-editor.js";
import { TemplateList } from "./template-list.js";

export const open = (place, app) => (place.path.length ? new TemplateEditor(place, app) : new TemplateList(place, app));
