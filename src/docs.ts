/** What a document says of a controller, a method, a DTO class or a property of one, beyond what is declared anyway. */
export interface DocOptions {
  /** One line: what it does. For a method. */
  summary?: string
  /** As much as there is to say, in CommonMark. */
  description?: string
  /** Whether to keep away from it, since it will go one day. */
  deprecated?: boolean
  /** The groups that a method stands in. Default: the name of its controller. For a controller: of all its methods. */
  tags?: readonly string[]
  /** What code generators call a method. Default `Prices.watch`. */
  operationId?: string
  /**
   * Which of the `securitySchemes` let a request in: a name, or several of which each will do; an object asks for all
   * of its schemes at once, with scopes. `[]` is for everybody. It tells of a lock, and is none: that is a guard. Said
   * of a guard class, it holds for all routes that the guard stands before.
   */
  security?: string | readonly (string | Readonly<Record<string, readonly string[]>>)[]
  /** Examples of the value. For a property. */
  examples?: readonly unknown[]
  /** Leaves a controller or a method out of documents. */
  hidden?: boolean
}

const ledger = new WeakMap<object, Map<string | undefined, DocOptions>>()

/** Notes what is said of a class, or of one of its properties. What was said before still holds where this is silent. */
export function recordDoc(target: object, property: string | undefined, doc: DocOptions): void {
  let docs = ledger.get(target)
  if (docs === undefined) {
    docs = new Map()
    ledger.set(target, docs)
  }
  docs.set(property, { ...docs.get(property), ...doc })
}

/** What is said of a class, or of a property of it or of a class that it extends. */
export function docOf(target: object, property?: string): DocOptions {
  const doc = ledger.get(target)?.get(property)
  if (property === undefined) return doc ?? {}
  const base = Object.getPrototypeOf(target) as object | null
  return { ...(base === null ? {} : docOf(base, property)), ...doc }
}
