import { validateHeaderName, validateHeaderValue } from 'node:http'
import { DefinitionError } from '../errors.js'
import { recordMethod } from '../metadata.js'
import { methodAt, nameOf } from './routes.js'

/**
 * The status of the answer. Default 200, and 204 where the method returns nothing.
 *
 * @throws {DefinitionError} for a status that is none from 200 to 599
 */
export function HttpCode(status: number): MethodDecorator {
  return (target, name, descriptor) => {
    const [owner, method] = methodAt('@HttpCode', target, name, descriptor)
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new DefinitionError(
        `${target.constructor.name}.${method}`,
        `@HttpCode(${status}) is no status from 200 to 599`,
      )
    }
    recordMethod(owner, method).status = status
  }
}

/**
 * A header for the answer; for a stream, of its head. (`@Header` reads one from the request.)
 *
 * @throws {DefinitionError} for a header that cannot be sent
 */
export function SetHeader(header: string, value: string): MethodDecorator {
  return (target, name, descriptor) => {
    const [owner, method] = methodAt('@SetHeader', target, name, descriptor)
    try {
      validateHeaderName(header)
      validateHeaderValue(header, value)
    } catch (cause) {
      const { message } = cause as Error
      throw new DefinitionError(`${target.constructor.name}.${method}`, `@SetHeader('${header}', …): ${message}`, {
        cause,
      })
    }
    recordMethod(owner, method).headers.push([header.toLowerCase(), value])
  }
}

/**
 * Redirects the client. A method that returns a string redirects there instead.
 *
 * Never return what the client sent without checking it: an open redirect lends your name to strangers.
 *
 * @param status default 302
 */
export function Redirect(url: string, status: 301 | 302 | 303 | 307 | 308 = 302): MethodDecorator {
  return (target, name, descriptor) => {
    const place = methodAt('@Redirect', target, name, descriptor)
    if (![301, 302, 303, 307, 308].includes(status)) {
      throw new DefinitionError(
        nameOf(place),
        `@Redirect('${url}', ${status}) has none of the status 301, 302, 303, 307, 308`,
      )
    }
    recordMethod(...place).redirect = { url, status }
  }
}
