/** How many members are told in one turn of the event loop. */
const SLICE = 500

/**
 * Tells members one after the other, as many as a turn of the event loop takes, and the others in the turns that follow.
 *
 * @param tell returns whether it did something: those that are passed over do not count
 */
export function tellInSlices<Member>(members: Iterator<Member>, tell: (member: Member) => boolean): void {
  for (let told = 0; told < SLICE; ) {
    const { done, value } = members.next()
    if (done) return
    if (tell(value)) told++
  }
  setImmediate(() => tellInSlices(members, tell))
}
