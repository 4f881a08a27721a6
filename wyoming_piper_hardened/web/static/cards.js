/** Cards for operators: folded on a phone, and as the reader has left them. */

import { recall, remember } from "./remembered.js";

const SMALL = matchMedia("(max-width: 44rem)");

/** Fold the cards of a document, and remember what the reader opens and folds. */
export function foldCards(/** @type {ParentNode} */ root) {
  /** @type {NodeListOf<HTMLDetailsElement>} */
  const cards = root.querySelectorAll("details.card");
  for (const card of cards) {
    // A choice on a phone says nothing of a desktop.
    const name = () => `card.${SMALL.matches ? "small" : "large"}.${card.id}`;
    const fold = () => {
      card.open = (recall(name()) ?? String(!SMALL.matches)) === "true";
    };
    fold();
    SMALL.addEventListener("change", fold);
    card.querySelector("summary")?.addEventListener("click", () => remember(name(), String(!card.open)));
  }
}
