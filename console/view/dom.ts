type Attributes = Record<string, string | number | boolean | undefined>
type Elements = HTMLElementTagNameMap
type Drawings = SVGElementTagNameMap

/** Makes an element. An attribute that is `true` is empty, one that is `false` or undefined is left out. */
export function element<K extends keyof Elements> (name: K, attributes: Attributes = {}, ...children: Array<Node | string>): Elements[K] {
  const made = document.createElement(name)
  setAttributes(made, attributes)
  made.append(...children)
  return made
}

/** Makes an element of a drawing. */
export function drawing<K extends keyof Drawings> (name: K, attributes: Attributes = {}, ...children: Node[]): Drawings[K] {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name)
  setAttributes(made, attributes)
  made.append(...children)
  return made
}

/** A button that does nothing but what its listener does. */
export function button (attributes: Attributes, label: string, onClick: () => void): HTMLButtonElement {
  const made = element('button', { type: 'button', ...attributes }, label)
  made.addEventListener('click', onClick)
  return made
}

/** The element of the page with an id. */
// The type parameter is an assertion about the page, which every caller would have to make.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function byId<T extends HTMLElement = HTMLElement> (id: string): T {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`The page has no element ${id}`)
  return found as T
}

/** Sets a text where it is another one: a status that is set again is read out again. */
export function setText (node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text
}

/** Shows a text, or hides its element where it is empty. */
export function showText (node: HTMLElement, text: string): void {
  setText(node, text)
  node.hidden = text === ''
}

function setAttributes (made: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : String(value))
  }
}
