/** The few things this page needs of the document. Text is always put in as text. */

/**
 * Make an element.
 * @param {string} tag
 * @param {Object<string, string>} [attributes] never `style`, which the page's policy forbids
 * @param {...(Node|string)} children strings become text
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * Make an element of a drawing.
 * @param {string} tag
 * @param {Object<string, string|number>} [attributes]
 * @param {...Node} children
 * @returns {SVGElement}
 */
export function drawn(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/** @param {string} id @returns {any} the element of that id, which is there */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/** Set a text; touches the document only when it is another one. */
export function setText(/** @type {Node} */ node, /** @type {string} */ text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Set an attribute, or remove it with `null`; touches the document only when it changes. */
export function setAttribute(
  /** @type {Element} */ node,
  /** @type {string} */ name,
  /** @type {string|number|null} */ value,
) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
}

const ICONS = {
  play: "M5 3.2v9.6L13 8z",
  stop: "M4 4h8v8H4z",
  install: "M8 2v8M4.6 6.8 8 10.2l3.4-3.4M3 13.5h10",
  repair: "M13.6 4.3a3.4 3.4 0 0 1-4.5 4.2L4.6 13a1.5 1.5 0 0 1-2.1-2.1L7 6.4a3.4 3.4 0 0 1 4.2-4.5L9.1 4l.5 1.9 1.9.5z",
  remove: "M2.8 4.3h10.4M6 4V2.5h4V4M4.2 4.5l.6 9h6.4l.6-9M6.8 7v4M9.2 7v4",
  restart: "M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3",
  close: "M4 4l8 8M12 4l-8 8",
  export: "M7 8h7.2M11.4 5.2 14.2 8l-2.8 2.8M9 3H2.5v10H9",
  previous: "M10 3 5 8l5 5",
  next: "M6 3l5 5-5 5",
  default: "M8 2l1.8 3.8 4.2.5-3.1 2.9.8 4.1L8 11.3l-3.7 2 .8-4.1L2 6.3l4.2-.5z",
  upload: "M8 10V2M5 5l3-3 3 3M2.5 10v3.5h11V10",
};

/**
 * A small picture that says nothing to a screen reader.
 * @param {keyof typeof ICONS} name
 * @returns {SVGElement}
 */
export function icon(name) {
  const solid = name === "play" || name === "stop";
  return drawn(
    "svg",
    { class: solid ? "icon solid" : "icon", viewBox: "0 0 16 16", "aria-hidden": "true" },
    drawn("path", { d: ICONS[name] }),
  );
}

/**
 * A list whose nodes are reused, so that focus stays and nothing piles up.
 * @template T
 */
export class KeyedList {
  /**
   * @param {Element} parent holds nothing but this list
   * @param {(item: T) => Element} create
   * @param {(node: Element, item: T) => void} update called for new nodes, too
   */
  constructor(parent, create, update) {
    this.parent = parent;
    this.create = create;
    this.update = update;
    /** @type {Map<string, Element>} */
    this.nodes = new Map();
  }

  /**
   * Show these items, in this order.
   * @param {T[]} items
   * @param {(item: T) => string} keyOf two items have two keys
   */
  show(items, keyOf) {
    const keys = new Set(items.map(keyOf));
    for (const [key, node] of this.nodes) {
      if (keys.has(key)) continue;
      node.remove();
      this.nodes.delete(key);
    }
    let next = this.parent.firstElementChild;
    for (const item of items) {
      const key = keyOf(item);
      let node = this.nodes.get(key);
      if (!node) {
        node = this.create(item);
        this.nodes.set(key, node);
      }
      this.update(node, item);
      if (node === next) next = next.nextElementSibling;
      else this.#move(node, next);
    }
  }

  /** Put a node before another; the focus goes with it. */
  #move(/** @type {Element} */ node, /** @type {Element|null} */ next) {
    const active = document.activeElement;
    this.parent.insertBefore(node, next);
    if (active instanceof HTMLElement && node.contains(active)) active.focus({ preventScroll: true });
  }
}
