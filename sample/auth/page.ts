import type { AppOptions } from 'okapi'

/** The pages of these samples, and what a browser may do there: load their own files, and tell nobody where it comes from. */
export const pages = {
  // Beside the source: the compiler, whose output this is, copies no pages.
  static: { root: new URL('../../../sample/auth/page/', import.meta.url) },
  securityHeaders: { contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } },
} satisfies Partial<AppOptions>
