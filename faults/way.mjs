/** The way of one instance to the servers of a group: a link to each, which can fail for this instance alone. */
export class Way {
  links = []
  group

  constructor (group) {
    this.group = group
  }

  get connections () {
    return this.links.flatMap(({ connections }) => [...connections])
  }

  set refuses (value) {
    for (const link of this.links) link.refuses = value
  }

  set swallows (value) {
    for (const link of this.links) link.swallows = value
  }

  /**
   * @param createLink makes a link to a port, and changes what comes back with the function that it is given
   * @param translate that function
   */
  async open (createLink, translate = undefined) {
    for (const port of this.group.ports) this.links.push(await createLink(port, translate))
  }
}
