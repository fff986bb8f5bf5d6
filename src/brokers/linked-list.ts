/** An item of a {@link LinkedList}; the list sets the links. */
export abstract class ListItem<Item extends ListItem<Item>> {
  list: LinkedList<Item> | undefined
  previous: Item | undefined
  next: Item | undefined
}

/**
 * Items in the order of their last use. The links are in the items themselves: moving one takes the same time whatever the
 * length of the list, unlike in a Set, which walks over the slots of the items deleted at its front.
 */
export class LinkedList<Item extends ListItem<Item>> {
  #first: Item | undefined
  #last: Item | undefined

  /** The least recently used item. */
  get first (): Item | undefined {
    return this.#first
  }

  /** Puts an item at the end, and takes it out of the list that it is in. */
  push (item: Item): void {
    item.list?.delete(item)
    item.list = this
    item.previous = this.#last
    if (this.#last) this.#last.next = item
    else this.#first = item
    this.#last = item
  }

  /** Takes an item out of this list. */
  delete (item: Item): void {
    if (item.previous) item.previous.next = item.next
    else this.#first = item.next
    if (item.next) item.next.previous = item.previous
    else this.#last = item.previous
    item.list = item.previous = item.next = undefined
  }
}
