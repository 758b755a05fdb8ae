// A file on its way to POST /imports: the browser reads it from the disk as it is sent, so that its size holds no memory.
import { Offline, Refused, SignedOut } from "../errors.js";
import { said } from "../language.js";
import { forgetSession, session } from "../session.js";

/**
 * Uploads a file; returns the import's id. `onProgress(part)` is told how much of it has gone, 0 to 1. Throws Offline,
 * SignedOut, or Refused with the service's sentence; an AbortError when `signal` ends it.
 */
export function uploadFile(file, { onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const sent = new XMLHttpRequest();
    sent.open("POST", `/imports?name=${encodeURIComponent(file.name)}`);
    sent.setRequestHeader("Content-Type", "text/csv");
    sent.setRequestHeader("X-CSRF-Token", session()?.csrfToken ?? "");
    sent.responseType = "text";
    sent.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
    sent.onload = () => settle(sent, resolve, reject);
    sent.onerror = () => reject(new Offline());
    sent.onabort = () => reject(new DOMException("The upload was ended.", "AbortError"));
    const end = () => sent.abort();
    signal?.addEventListener("abort", end);
    sent.onloadend = () => signal?.removeEventListener("abort", end);
    sent.send(file);
  });
}

function settle({ status, responseText }, resolve, reject) {
  let answer = {};
  try {
    answer = JSON.parse(responseText);
  } catch {
    // A proxy in front answers with a page of its own.
  }
  if (status === 201) return resolve(answer.id);
  if (status === 401) {
    forgetSession();
    return reject(new SignedOut());
  }
  const [error] = answer.errors ?? [];
  return reject(new Refused(error?.message ?? answer.message ?? said.shell.session.answered(status), error?.extensions));
}
