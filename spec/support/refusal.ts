import { type AppOptions, type ControllerClass, createApp, DefinitionError } from 'okapi'

/** What an app says that refuses to start with these controllers. Fails if it starts. */
export async function refusal(
  controllers: readonly ControllerClass[],
  options: Omit<AppOptions, 'controllers'> = {},
): Promise<string> {
  const boot = createApp({ controllers, ...options, fastify: { logger: false } })
  const app = await boot.catch((error: unknown) => messageOf(error))
  if (typeof app === 'string') return app
  await app.close()
  throw new Error('The app has started')
}

/** What a decorator says that refuses to stand where it is put. Fails if it does not. */
export function protest(declare: () => unknown): string {
  try {
    declare()
  } catch (error) {
    return messageOf(error)
  }
  throw new Error('The class was declared')
}

function messageOf(error: unknown): string {
  if (error instanceof DefinitionError) return error.message
  throw error
}
