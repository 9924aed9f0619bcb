// One file on its way to become a dataset: announced, sent, called complete; with pause, and again after failures.

import { ApiError } from "../api-error.js";
import { call } from "../api.js";
import { fingerprint } from "./fingerprint.js";
import { Pace } from "./pace.js";
import { sendParts } from "./parts.js";
import { strangeParts } from "./stored.js";
import { datasetName, storedName } from "./suitable.js";

const ANOTHER =
  "This is another file than the one that was begun with: it was changed since then, or begins differently. Choose " +
  "that one, or delete this dataset and upload the file as a new one.";

/**
 * States: waiting → running ⇄ paused, running → checking → done; failed and paused can go on (`start`); cancelled.
 * `trouble` is why a running one gets nowhere at the moment, `notice` what else is to be said of it.
 */
export class Upload {
  state = "waiting";
  sent = 0;
  dataset = null;
  error = null;
  trouble = null;
  notice = "";
  pace = new Pace();
  #abort = null;
  #sent = new Set(); // parts that are known to be of this very file

  /**
   * @param {File} file
   * @param {{name?: string, description?: string, dataset?: object}} values `dataset`: the one that waits for the file
   * @param {(upload: Upload) => void} onChange called whenever something of it has changed
   */
  constructor(file, { name, description, dataset = null }, onChange) {
    this.file = file;
    this.name = name || datasetName(file.name);
    this.description = description ?? "";
    this.dataset = dataset;
    this.isGiven = dataset !== null;
    this.onChange = onChange;
  }

  get isOver() {
    return this.state === "done" || this.state === "cancelled";
  }

  /** Begin or go on; resolves when it is done, paused, failed or cancelled. */
  async start() {
    if (this.#abort || this.isOver) return;
    const own = new AbortController();
    const { signal } = own;
    this.#abort = own;
    this.#become("running", { error: null, trouble: null });
    try {
      this.dataset ??= (await this.#waiting()) ?? (await this.#announced());
      if (this.state === "cancelled") await this.#forget(); // it was not known yet when that was asked for
      await this.#send(signal);
      signal.throwIfAborted();
      this.#become("checking");
      const { dataset } = await call(`/api/datasets/${this.dataset.id}/complete`, { method: "POST" });
      this.#become("done", { dataset });
    } catch (error) {
      if (!signal.aborted) this.#become("failed", { error });
    }
    if (this.#abort === own) this.#abort = null;
  }

  /** Stop sending; what is stored stays. */
  pause() {
    this.#stop("paused");
  }

  /** Stop and forget the dataset, unless it was there before; should that fail, the server does it after a day. */
  async cancel() {
    this.#stop("cancelled");
    await this.#forget();
  }

  async #send(signal) {
    for (let again = true; ; again = false) {
      try {
        const plan = { id: this.dataset.id, ...(await call(`/api/datasets/${this.dataset.id}/parts`, { signal })) };
        plan.parts = await this.#ownParts(plan, signal);
        this.pace.restart();
        return await sendParts(this.file, plan, { signal, ...this.#listeners() });
      } catch (error) {
        if (error.code === "upload_finished") return; // it had arrived, and only the answer was lost
        if (error.status !== 404 || !again) throw error; // storage may have given the upload up: begin anew
      }
    }
  }

  /** The stored parts that are this file's: what was changed since, or cannot be told, is sent again. */
  async #ownParts(plan, signal) {
    const onProgress = (compared, of) => {
      this.#become("running", { notice: `Comparing the file with what is stored: part ${compared + 1} of ${of}.` });
    };
    const strange = await strangeParts(this.file, plan, this.#sent, { signal, onProgress });
    const own = plan.parts.filter(({ number }) => !strange.has(number));
    for (const { number } of own) this.#sent.add(number);
    const [those, are] = strange.size === 1 ? ["part", "is"] : ["parts", "are"];
    const changed = `${strange.size} stored ${those} did not match the file as it is now and ${are} sent again.`;
    this.#become("running", { notice: strange.size ? changed : "" });
    return own;
  }

  #listeners() {
    return {
      onStored: (number) => this.#sent.add(number),
      onProgress: (sent) => {
        this.sent = sent;
        this.pace.note(sent);
        this.onChange(this);
      },
      onTrouble: (trouble) => trouble !== this.trouble && this.#become("running", { trouble }),
    };
  }

  /** The dataset of an earlier try, perhaps before the page was loaded anew, that waits for this very file. */
  async #waiting() {
    const { size } = this.file;
    const name = storedName(this.file.name);
    const mark = await fingerprint(this.file);
    const { datasets } = await call("/api/datasets?status=uploading&limit=100");
    return datasets.find(
      (each) => each.file_name === name && each.file_size === size && each.upload_fingerprint === mark,
    );
  }

  async #announced() {
    const { name, size } = this.file;
    const body = { name: this.name, description: this.description, file_name: storedName(name), file_size: size };
    const answer = await call("/api/datasets", {
      method: "POST",
      body: { ...body, fingerprint: await fingerprint(this.file) },
    });
    return answer.dataset;
  }

  async #forget() {
    if (!this.dataset || this.isGiven) return;
    await call(`/api/datasets/${this.dataset.id}`, { method: "DELETE" }).catch(() => {});
  }

  #stop(state) {
    if (this.isOver || this.state === "checking") return;
    this.#abort?.abort();
    this.#abort = null;
    this.#become(state, { trouble: null });
  }

  #become(state, values = {}) {
    Object.assign(this, values, { state });
    this.onChange(this);
  }
}

/** Throws where `file` cannot be the one that `dataset` waits for. */
export async function assertSame(file, dataset) {
  if (file.size !== dataset.file_size) throw new ApiError(0, "another_file", anotherSize(file));
  const known = dataset.upload_fingerprint;
  if (known && known !== (await fingerprint(file))) throw new ApiError(0, "another_file", ANOTHER);
}

const anotherSize = (file) => `${file.name} has another size than announced.`;
