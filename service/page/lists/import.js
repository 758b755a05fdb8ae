// A file of customers on its way in, on one page: file, columns, review, result. The service does it; this page follows.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { Offline, SignedOut } from "../errors.js";
import { takeBack } from "./import-undo.js";
import { groupFaults, importable, mappingFault, nameOf, paceOf } from "./import-model.js";
import { stages } from "./import-stages.js";
import { cancelImport, createList, faultsFile, followImport, readFaults, readImport, readList, startImport } from "./queries.js";
import { uploadFile } from "./upload.js";
import { said } from "../language.js";

/** Pages of refused lines that are read, of 100 each: the file that is downloaded has all. */
const FAULT_PAGES = 5;
/** After the connection that tells of the import was lost. */
const AGAIN_MS = 2_000;

export class CustomerImport {
  /**
   * `file` goes up at once; or `importId`, of one that is there already. `list` is the fixed list that its customers
   * join: without one a list of the file's name is made. `named(id)` is told the import's id, `begun(list)` when it is
   * being carried out, which goes on without this page, `joined(list)` and `done()` when it was, `left(list)` when that
   * is undone; `close` shows a button that leaves, where there is one.
   */
  constructor({ app, file = null, importId = null, list = null, level = 3, named = () => {}, begun = () => {}, joined = () => {}, left = () => {}, done = () => {}, close = null }) {
    Object.assign(this, { app, file, id: importId, list, level, named, begun, joined, left, done, close });
    this.madeList = false;
    this.listName = file ? nameOf(file.name) : "";
    this.import = null;
    this.columns = [];
    /** Headings whose column the reader has changed: the others are guessed. */
    this.chosen = new Set();
    this.faults = null;
    this.faultsComplete = true;
    this.progress = 0;
    this.pace = 0;
    this.fault = null;
    this.nameFault = null;
    this.busy = false;
    this.undone = false;
    this.focusNext = null;
    this.ended = false;
    this.stopUpload = new AbortController();
    if (file) this.upload();
    else if (importId) this.read();
  }

  changed() {
    if (!this.ended) this.app.changed();
  }

  stop() {
    this.ended = true;
    this.stopUpload.abort();
    this.unfollow();
  }

  resume() {
    if (this.failedUpload) this.upload();
    else if (this.id && !this.import) this.read();
    else this.follow();
  }

  /** Runs `work`; why it failed is shown. Returns whether it did not. */
  async attempt(work) {
    this.fault = null;
    this.busy = true;
    this.changed();
    try {
      await this.app.guard(work)();
    } catch (error) {
      if (error.name === "AbortError") return false;
      this.fault = error instanceof Offline || error instanceof SignedOut ? said.lists.import.offline : error.message;
      return false;
    } finally {
      this.busy = false;
      this.changed();
    }
    return true;
  }

  upload = async () => {
    const { signal } = this.stopUpload;
    this.failedUpload = !(await this.attempt(async () => {
      const onProgress = (part) => { this.progress = part; this.changed(); };
      this.id = await uploadFile(this.file, { onProgress, signal });
    }));
    if (this.failedUpload || this.ended) return;
    this.named(this.id);
    await this.read();
  };

  read = async () => {
    await this.attempt(async () => this.take(await readImport(this.id)));
    if (!this.import && !this.fault) this.fault = said.lists.import.gone;
    if (this.import?.status === "UPLOADED" && !this.app.readOnly) await this.check();
    else await this.show();
    this.changed();
  };

  take(found) {
    if (!found) return;
    this.import = found;
    this.listName ||= nameOf(found.fileName);
    if (found.list && !this.list) this.list = found.list;
    if (!this.columns.length) this.columns = found.columns.map((each) => ({ ...each }));
  }

  /** Another field for a column: then the file is checked again. */
  choose(column, field) {
    column.field = field;
    this.chosen.add(column.heading);
    this.check();
  }

  get mappingFault() {
    return mappingFault(this.columns);
  }

  /** The dry run: nothing is written. */
  check = async () => {
    if (this.mappingFault) return this.changed();
    this.faults = null;
    const columns = this.columns.map(({ heading, field }) => ({ heading, field }));
    const input = { importId: this.id, dryRun: true, columns };
    if (await this.attempt(async () => this.take(await startImport(input)))) await this.show();
    return undefined;
  };

  /** Carries it out: customers are made, and join the list, which is made first where there is none. */
  carryOut = async () => {
    if (this.busy) return;
    this.nameFault = null;
    const listed = this.list || (await this.attempt(async () => {
      this.list = await createList({ name: this.listName.trim() });
      this.madeList = true;
    }));
    if (!listed) [this.nameFault, this.fault] = [this.fault, null];
    else if (await this.attempt(async () => this.take(await startImport({ importId: this.id, dryRun: false, listId: this.list.id })))) {
      this.begun(this.list);
      await this.show();
    }
    this.changed();
  };

  /** Whether its customers are on their way into the list. */
  get isRunning() {
    return this.import?.status === "RUNNING" && !this.import.dryRun;
  }

  cancel = () => this.attempt(async () => {
    this.take(await cancelImport(this.id));
    this.unfollow();
  });

  /** Follows the import while it goes on; at its end reads what was refused. */
  async show() {
    const { status, dryRun } = this.import ?? {};
    if (status === "RUNNING") return this.follow();
    this.unfollow();
    if (["CHECKED", "FINISHED", "FAILED"].includes(status)) await this.readFaults();
    if (status === "CHECKED") this.focusNext = "import-go";
    if (status === "FINISHED" && !dryRun && this.list) await this.finish();
    return this.changed();
  }

  async finish() {
    // The count that the list had before is not what it has now.
    await this.attempt(async () => { this.list = (await readList(this.list.id)) ?? this.list; });
    this.app.announce(said.lists.import.imported(importable(this.import)));
    this.joined(this.list);
    this.done();
  }

  async readFaults() {
    const found = [];
    let after = null;
    this.faultsComplete = true;
    await this.attempt(async () => {
      for (let page = 0; page < FAULT_PAGES && (this.import.failed || this.import.status === "FAILED"); page += 1) {
        const { nodes, pageInfo } = await readFaults(this.id, after);
        found.push(...nodes);
        after = pageInfo.endCursor;
        this.faultsComplete = !pageInfo.hasNextPage;
        if (this.faultsComplete) break;
      }
    });
    this.faults = groupFaults(found);
  }

  follow() {
    if (this.import?.status !== "RUNNING" || this.unsubscribe || this.ended) return;
    this.look = { read: this.import.read, at: Date.now() };
    this.unsubscribe = followImport(this.id, { onOpen: () => {}, onChange: (found) => this.moved(found), onEnd: () => this.lost() });
  }

  moved(found) {
    const look = { read: found.read, at: Date.now() };
    if (look.at > this.look.at) this.pace = paceOf(this.look, look) || this.pace;
    this.look = look;
    this.take(found);
    if (found.status !== "RUNNING") this.show();
    this.changed();
  }

  lost() {
    this.unsubscribe = null;
    if (this.import?.status !== "RUNNING" || this.ended) return;
    this.again = setTimeout(() => this.read(), AGAIN_MS);
  }

  unfollow() {
    clearTimeout(this.again);
    this.unsubscribe?.();
    this.unsubscribe = null;
  }

  /** Takes what this import has brought off the list; a list that was made for it is deleted. */
  undo = () => this.attempt(async () => {
    await takeBack(this);
    this.undone = true;
    this.left(this.list);
  });

  /** The refused lines as a file, whose address is good for five minutes. */
  download = () => this.attempt(async () => {
    const url = await faultsFile(this.id);
    if (url) location.assign(new URL(url).pathname + new URL(url).search);
  });

  drawn(root) {
    const wanted = this.focusNext && root.querySelector(`#${this.focusNext}`);
    if (!wanted) return;
    this.focusNext = null;
    // Only who waits for the review is led on: nobody who has gone on to another field meanwhile.
    const { activeElement } = document;
    if (activeElement === document.body || root.querySelector(".import")?.contains(activeElement) || ["edit-import", "main"].includes(activeElement?.id)) wanted.focus();
  }

  view() {
    return html`<section class="import" aria-label=${said.lists.import.label} aria-busy=${this.busy ? "true" : "false"}>${stages(this)}
      ${this.fault ? html`<p class="fault" role="alert">${this.fault}</p>` : nothing}</section>`;
  }
}
