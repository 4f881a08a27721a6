/** Dialogs that are closed with an answer. */

/** @type {WeakMap<HTMLDialogElement, (answer: string) => void>} who waits for the answer of a dialog */
const waiting = new WeakMap();

/**
 * Show a dialog above everything else, and wait until it is closed.
 * @param {HTMLDialogElement} dialog a closed one
 * @returns {Promise<string>} the value of the button that closed it; empty for the Escape key
 */
export function ask(dialog) {
  settle(dialog);
  dialog.addEventListener("close", onClose);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => waiting.set(dialog, resolve));
}

/** A browser sends this with a later frame, when the dialog may have been shown once more. */
function onClose(/** @type {Event} */ event) {
  const dialog = /** @type {HTMLDialogElement} */ (event.target);
  if (!dialog.open) settle(dialog);
}

function settle(/** @type {HTMLDialogElement} */ dialog) {
  waiting.get(dialog)?.(dialog.returnValue);
  waiting.delete(dialog);
}
