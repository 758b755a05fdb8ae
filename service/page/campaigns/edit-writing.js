// What of a draft goes to the API: its parts are the campaign's own fields, its kind, and each mailing.
import { campaignInput, mailingInput, shownMailings } from "./edit-draft.js";
import { addMailing, createCampaign, deleteCampaign, removeMailing, updateCampaign, updateMailing } from "./edit-queries.js";
import { newKey } from "../idempotency-key.js";

export class DraftWriting {
  constructor(editor) {
    this.editor = editor;
    /** The idempotency key of what was tried last, by part: the same content again is the same call. */
    this.keys = new Map();
  }

  keyOf(part, content) {
    const text = JSON.stringify(content);
    if (this.keys.get(part)?.text !== text) this.keys.set(part, { text, key: newKey() });
    return this.keys.get(part).key;
  }

  /** Saves one part. Throws Refused, Offline, SignedOut. */
  async write(part) {
    if (part === "kind") return this.writeKind();
    if (!this.editor.id) await this.create();
    else if (part === "campaign") await updateCampaign({ campaignId: this.editor.id, ...campaignInput(this.editor.draft) });
    return part === "campaign" ? undefined : this.writeMailing(part);
  }

  /** Makes the draft: from then on it has an address of its own. */
  async create() {
    const { editor } = this;
    const input = { ...campaignInput(editor.draft), kind: editor.draft.kind };
    const { id } = await createCampaign({ ...input, idempotencyKey: this.keyOf("campaign", input) });
    editor.id = id;
    // Another draft with the same content is another one.
    this.keys.delete("campaign");
    if (!editor.left) editor.app.go({ view: "campaigns", path: [id, "edit"], query: {} }, { replace: true, scroll: false });
  }

  async writeKind() {
    const { editor } = this;
    const former = editor.id;
    if (!former) return this.create();
    await this.create();
    for (const mailing of editor.draft.mailings) mailing.id = null;
    for (const mailing of shownMailings(editor.draft)) await this.writeMailing(mailing.key);
    return deleteCampaign(former);
  }

  async writeMailing(key) {
    const mailing = this.editor.draft.mailings.find((each) => each.key === key);
    if (!mailing) return undefined;
    if (mailing.gone) return this.remove(mailing);
    const content = mailingInput(mailing);
    // Without a letter, or with a time that cannot be, there is nothing to save: the checklist says so.
    if (!content) return undefined;
    if (mailing.id) return this.changed(mailing, await updateMailing({ mailingId: mailing.id, mailing: content }));
    const input = { campaignId: this.editor.id, mailing: content };
    return this.changed(mailing, await addMailing({ ...input, idempotencyKey: this.keyOf(key, input) }));
  }

  changed(mailing, { id }) {
    mailing.id = id;
  }

  async remove(mailing) {
    if (mailing.id) await removeMailing(mailing.id);
    mailing.id = null;
    this.keys.delete(mailing.key);
  }
}
