/* Descriptions of elements, and the one place that turns them into elements.

   `h(tag, props, ...children)` describes; `patch(parent, children)` makes the parent look like the
   description while keeping the elements that are already there, so that focus, selection and
   scroll positions survive a new snapshot. Text always goes in as a text node: names and sentences
   from outside cannot become markup. Knows nothing of screens, words or state. */

const SVG = 'http://www.w3.org/2000/svg';
const AS_PROPERTY = new Set(['value', 'checked', 'indeterminate', 'hidden']);

/** @typedef {{tag: string, props: Object, children: Array, key: (string|number|undefined)}} Node_ */

/** Describe one element. `props.key` identifies it among its siblings. */
export function h(tag, props, ...children) {
  const own = props || {};
  return { tag, props: own, key: own.key, children: flat(children) };
}

function flat(children, into = []) {
  for (const child of children) {
    if (Array.isArray(child)) flat(child, into);
    else if (child !== null && child !== undefined && child !== false && child !== true) {
      into.push(typeof child === 'object' ? child : String(child));
    }
  }
  return into;
}

/** Make the child nodes of `parent` match the descriptions. */
export function patch(parent, ...described) {
  const wanted = flat(described);
  const { keyed, free } = sortOld(parent);
  const nodes = wanted.map((want) => {
    const old = takeOld(want, keyed, free);
    if (typeof want === 'string') return patchText(old, want);
    return patchElement(old, want, parent);
  });
  for (const rest of [...keyed.values(), ...free]) rest.remove();
  let place = parent.firstChild;
  for (const node of nodes) {
    if (node === place) place = place.nextSibling;
    else parent.insertBefore(node, place);
  }
}

function sortOld(parent) {
  const keyed = new Map();
  const free = [];
  for (const node of parent.childNodes) {
    if (node.describedKey !== undefined && !keyed.has(node.describedKey)) keyed.set(node.describedKey, node);
    else free.push(node);
  }
  return { keyed, free };
}

function takeOld(want, keyed, free) {
  if (typeof want === 'object' && want.key !== undefined) {
    const old = keyed.get(want.key);
    if (!old || old.describedTag !== want.tag) return null;
    keyed.delete(want.key);
    return old;
  }
  const tag = typeof want === 'string' ? undefined : want.tag;
  const index = free.findIndex((node) => (
    tag === undefined ? node.nodeType === Node.TEXT_NODE : node.describedTag === tag));
  return index < 0 ? null : free.splice(index, 1)[0];
}

function patchText(old, text) {
  if (!old) return document.createTextNode(text);
  if (old.data !== text) old.data = text;
  return old;
}

function patchElement(old, want, parent) {
  if (old && old.described === want) return old; // a view may keep a description that holds
  const element = old || create(want, parent);
  const before = element.describedProps || {};
  // Children first: a <select> can only take a value that one of its options has.
  patch(element, want.children);
  for (const name of Object.keys(before)) {
    if (!(name in want.props)) setProp(element, name, undefined);
  }
  for (const [name, value] of Object.entries(want.props)) {
    if (name === 'value' || name === 'checked' || before[name] !== value) {
      setProp(element, name, value);
    }
  }
  element.describedProps = want.props;
  element.described = want;
  return element;
}

function create(want, parent) {
  const inSvg = want.tag === 'svg' || (parent.namespaceURI === SVG && parent.tagName !== 'foreignObject');
  const element = inSvg ? document.createElementNS(SVG, want.tag) : document.createElement(want.tag);
  element.describedTag = want.tag;
  element.describedKey = want.key;
  return element;
}

function setProp(element, name, value) {
  if (name === 'key') return;
  if (name.startsWith('on')) {
    element[name.toLowerCase()] = value || null;
  } else if (name === 'sized') {
    // Widths and offsets of meters: through the object model, which the content policy allows.
    for (const [property, size] of Object.entries(value || {})) {
      element.style.setProperty(property, size);
    }
  } else if (AS_PROPERTY.has(name)) {
    const filled = value === undefined || value === null ? (name === 'value' ? '' : false) : value;
    if (element[name] !== filled) element[name] = filled;
  } else if (value === undefined || value === null || value === false) {
    element.removeAttribute(name === 'class' ? 'class' : name);
  } else {
    element.setAttribute(name, value === true ? '' : String(value));
  }
}
