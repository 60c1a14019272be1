import { DefinitionError } from './errors.js'

/**
 * Imports a package that only those need who use an option: an optional peer dependency.
 *
 * @param where the option, for the message: `createApp(), option cors`
 * @throws {DefinitionError} if the package is not installed
 */
export async function importFor<Module>(where: string, name: string): Promise<Module> {
  try {
    return (await import(name)) as Module
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes(`'${name}'`)) throw cause
    throw new DefinitionError(where, `needs the package ${name}, which is not installed: npm install ${name}`, {
      cause,
    })
  }
}
